# A spec is built as it is in a revision, whatever the work tree says, and what was newer is not forgotten.
git init --quiet
spec spec 10.0.0.1:80
commit good
git tag good
spec spec 10.0.0.1:81
echo 'nonsense' >>spec/mesh.yaml
weft build spec -o dist --from good | tail -n 1
weft build spec -o dist --from good | tail -n 1
say weft build spec -o dist --from no-such-revision
say weft build ../outside -o dist --from good

# The layout is in the repository too, and a checkout sets it back.
spec spec 10.0.0.1:81
weft build spec -o dist | tail -n 1
git add --all
commit worse
git ls-files dist | grep -c blobs/sha256 && git ls-files dist | grep -v blobs/sha256
spec spec 10.0.0.1:82
weft build spec -o dist | tail -n 1
git checkout --quiet HEAD -- spec dist
weft build spec -o dist | tail -n 1
weft build spec -o dist | tail -n 1
say weft build spec -o dist --generation 3
weft rollback dist --to 1 | tail -n 1

# Where nothing but the layout arrives, nobody knows what is newer.
git add --all
commit back
git clone --quiet . ../elsewhere && cd ../elsewhere
weft build spec -o dist --from good | tail -n 2
rm -r dist
weft build spec -o dist --from good | tail -n 2

# A snapshot that a spec compares itself with is that of the revision as well.
weft build spec -o spec/frozen >/dev/null
echo 'assert: [{name: frozen, same: {for: {host: "*"}, as: frozen}}]' >>spec/mesh.yaml
commit compared
git rm -r --quiet --cached spec/frozen && rm -r spec/frozen
# The commit holds a layout, and has another name with each version of the format.
weft build spec -o dist --from HEAD | tail -n 1 | cut -d , -f 1
say weft check spec
