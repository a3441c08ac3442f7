# Somebody else can write to the folder of snapshots: nothing is written, emptied or deleted through a link of theirs.
spec spec 10.0.0.1:80
mkdir theirs && echo precious >theirs/file
mkdir dist && ln -s "$PWD/theirs" dist/blobs
say weft build spec -o dist
rm dist/blobs && mkdir dist/blobs && ln -s "$PWD/theirs" dist/blobs/sha256
say weft build spec -o dist
rm dist/blobs/sha256
ln -s "$PWD/theirs/file" dist/.lock
say weft build spec -o dist
rm dist/.lock && mkfifo dist/.lock
say weft build spec -o dist
rm dist/.lock

# Files in the places where a writer that follows its habits would write.
for name in index.json oci-layout .new-index.json .new-oci-layout .previous .highest .gitignore; do
    ln -s "$PWD/theirs/file" dist/$name
done
rm dist/index.json
weft build spec -o dist | tail -n 1
stat --format '%F %n' dist/index.json dist/oci-layout
cat theirs/file && ls theirs

# What no snapshot of ours has named stays.
other=$(printf other | sha256sum | cut -d ' ' -f 1)
printf other >dist/blobs/sha256/$other
for port in 81 82 83 84; do
    spec spec 10.0.0.1:$port
    weft build spec -o dist --keep 1 >/dev/null
done
ls dist/blobs/sha256 | wc -l
cat dist/blobs/sha256/$other && echo

# The end of all generations.
say weft build spec -o dist --generation 18446744073709551615
say weft build spec -o dist --generation 9007199254740991
weft build spec -o dist --generation 9007199254740990 >/dev/null
spec spec 10.0.0.1:85
say weft build spec -o dist
# Makes a manifest of bytes the current one.
current() {
    local digest
    digest=$(printf %s "$1" | sha256sum | cut -d ' ' -f 1)
    printf %s "$1" >dist/blobs/sha256/$digest
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%d}]}' \
        application/vnd.oci.image.manifest.v1+json $digest ${#1} >dist/index.json
}
last=$(grep -o '"sha256:[0-9a-f]*"' dist/index.json | tail -n 1 | tr -d '"')
manifest=$(cat dist/blobs/sha256/${last#sha256:})
current "${manifest/9007199254740990/18446744073709551615}"
say weft build spec -o dist
say weft inspect dist
current "${manifest/9007199254740990/40}"
echo 18446744073709551615 >dist/.highest
say weft build spec -o dist
rm dist/.highest
weft build spec -o dist | tail -n 1

# What is no image layout, or one of something else.
printf '{"imageLayoutVersion":"2.0.0"}' >dist/oci-layout
say weft inspect dist
rm dist/oci-layout
say weft inspect dist
printf '{"imageLayoutVersion":"1.0.0"}' >dist/oci-layout
current '{"schemaVersion":2,"artifactType":"application/vnd.example","config":{},"layers":[]}'
say weft inspect dist
current "${manifest/\"schemaVersion\":2/\"schemaVersion\":1}"
say weft inspect dist
current "${manifest/vnd.weft.slice/vnd.else.slice}"
say weft inspect dist
printf '{"schemaVersion":2,"manifests":[]}' >dist/index.json
say weft inspect dist
printf '{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"sha256:../../../theirs/file","size":9}]}' >dist/index.json
say weft inspect dist
