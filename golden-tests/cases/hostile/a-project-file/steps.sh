# A project file spares the flags; it names nothing outside of its folder, and what git ignores stays what it is.
spec spec 10.0.0.1:80
mkdir spec/env
sed -i 's/request: 15s/request: "{{ request }}"/' spec/mesh.yaml
echo 'request: 15s' >spec/env/prod.yaml
echo 'request: 5s' >spec/env/staging.yaml
say weft check spec
say weft check spec --values spec/env/prod.yaml
cat >spec/weft.yaml <<YAML
values: env/prod.yaml
dist: out/dist
deny: [warnings]
YAML
say weft check spec
say weft build spec
say weft why 'GET http://shop.example/cart/a' --spec spec --short
say weft check spec --values spec/env/staging.yaml
git init --quiet --initial-branch main .
echo 'out/' >spec/.weftignore
commit one
sed -i 's/request: 15s/request: 14s/' spec/env/prod.yaml
commit two
say weft diff HEAD~1..HEAD --short -- spec

# What is denied is an error.
cp spec/mesh.yaml spec/x.YAML
say weft check spec
say weft build spec
sed -i 's/deny: .*/deny: odd-endnig/' spec/weft.yaml
say weft check spec
sed -i 's/deny: .*/deny: []/' spec/weft.yaml
say weft check spec
say weft check spec --deny odd-ending
rm spec/x.YAML

# Nothing outside of its folder.
for path in ../elsewhere /tmp/elsewhere; do
    printf 'dist: %s\n' "$path" >spec/weft.yaml
    say weft build spec
done
printf 'values: env/prod.yaml\ndits: x\n' >spec/weft.yaml
say weft check spec
rm spec/weft.yaml
say weft build spec --values spec/env/prod.yaml

# A pattern takes a file out of the spec.
printf 'apiVersion: v1\nkind: Service\n' >spec/k8s.yaml
say weft check spec --values spec/env/prod.yaml
echo '/k8s.yaml' >>spec/.weftignore
say weft check spec --values spec/env/prod.yaml

# Several paths are one spec, and standard input is one.
mkdir one two
head -n 3 spec/mesh.yaml >one/mesh.yaml
(echo 'weft: v1'; tail -n 2 spec/mesh.yaml) >two/services.yaml
say weft check one two --values spec/env/prod.yaml
say weft check one/mesh.yaml two/services.yaml --values spec/env/prod.yaml
sed -i 's/to: cart/to: crat/' two/services.yaml
say weft check one two --values spec/env/prod.yaml --short
say weft check - --values spec/env/prod.yaml <spec/mesh.yaml
sed 's/to: cart/to: crat/' spec/mesh.yaml >pipe.txt
say weft check - --values spec/env/prod.yaml --short <pipe.txt
