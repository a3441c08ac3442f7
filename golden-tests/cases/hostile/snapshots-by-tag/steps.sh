# A snapshot is named as DIST or DIST:TAG everywhere, and an older one that is damaged is told and passed over.
git init --quiet .
spec spec 10.0.0.1:80
weft build spec -o spec/golden >/dev/null
sed -i 's/10.0.0.1:80/10.0.0.2:80/' spec/mesh.yaml
weft build spec -o spec/golden >/dev/null
echo 'assert: [{name: frozen, same: {for: {path: /cart/x}, as: "golden:latest"}}]' >>spec/mesh.yaml
say weft check spec
commit latest
sed -i 's/golden:latest/golden:generation-1/' spec/mesh.yaml
say weft check spec
commit first
sed -i 's/golden:generation-1/golden:mine/' spec/mesh.yaml
say weft check spec
# The same of revisions, of which the snapshot is a part.
git mv spec/golden elsewhere
weft build spec --from HEAD^ -o dist >/dev/null && echo built
say weft build spec --from HEAD -o dist
mv elsewhere golden

# The manifest of the first generation is damaged.
manifest=$(weft inspect golden | python3 -c 'import json, sys
for one in json.load(sys.stdin)["snapshots"]:
    if one["generation"] == 1: print(one["manifest"][7:])')
echo damaged >"golden/blobs/sha256/$manifest"
# Digests are other ones with each version of the format.
{
weft inspect golden | sed -n '/"snapshots"/,$p'
say weft diff golden:latest golden
say weft inspect golden:generation-1
} 2>&1 | sed 's/[0-9a-f]\{12,\}/.../g'
