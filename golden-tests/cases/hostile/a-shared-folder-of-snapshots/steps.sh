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
for name in index.json oci-layout .new-index.json .new-oci-layout .previous; do
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
    weft build spec -o dist >/dev/null
done
ls dist/blobs/sha256 | wc -l
cat dist/blobs/sha256/$other && echo

# The end of all generations.
say weft build spec -o dist --generation 18446744073709551615
say weft build spec -o dist --generation 9007199254740991
weft build spec -o dist --generation 9007199254740990 >/dev/null
spec spec 10.0.0.1:85
say weft build spec -o dist
sed -i 's/9007199254740990/18446744073709551615/' dist/index.json
say weft build spec -o dist
say weft inspect dist
