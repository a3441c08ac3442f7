# A finding says which of the two files of one name it is about.
git init --quiet --initial-branch main shop && cd shop
spec spec 10.0.0.1:80
echo 'services: {cart2: {protocl: http}}' >>spec/mesh.yaml
sed -i '/^services: {cart:/d' spec/mesh.yaml
commit one
spec spec 10.0.0.1:80
commit two
say weft diff HEAD~1..HEAD --exit-code -- spec
(cd spec && say weft diff HEAD~1 --exit-code)
say weft diff HEAD~1..HEAD --format github -- spec
