# Trees that no checkout makes.
git init --quiet --initial-branch main shop && cd shop
spec spec 10.0.0.1:80
commit one
blob=$(git rev-parse HEAD:spec/mesh.yaml)
other=$(printf 'weft: v1\nservices: {\n' | git hash-object -w --stdin)
# The revision whose spec is what is listed on standard input.
revision() {
    local inner outer
    inner=$(git mktree "$@")
    outer=$(printf '040000 tree %s\tspec\n' "$inner" | git mktree)
    git commit-tree -p HEAD -m hostile "$outer"
}

twice=$(printf '100644 blob %s\tmesh.yaml\n100644 blob %s\tmesh.yaml\n' "$blob" "$other" | revision)
git tag twice "$twice"
say weft diff HEAD..twice --exit-code -- spec

lines=$(printf '100644 blob %s\tmesh.yaml\000100644 blob %s\tmore\nmore.yaml\000' "$blob" "$other" | revision -z)
git tag lines "$lines"
say weft diff HEAD..lines --exit-code -- spec
printf 'weft: v1\nservices: {\n' >spec/$'more\nmore.yaml'
say weft check spec
rm spec/more*

climbs=$(printf '100644 blob %s\tmesh.yaml\n040000 tree %s\t..\n' "$blob" "$(printf '100644 blob %s\tescaped.yaml\n' "$other" | git mktree)" | revision)
git tag climbs "$climbs"
say weft diff HEAD..climbs --exit-code -- spec
ls

# A replacement of one object by another is not part of a revision.
spec spec 10.6.6.6:80
commit two
git replace HEAD HEAD~1
say weft diff HEAD~1..HEAD --exit-code -- spec
