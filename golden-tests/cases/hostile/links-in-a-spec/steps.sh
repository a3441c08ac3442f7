# A link is no file: what it leads to is neither read nor printed, in a work tree and in a revision alike.
git init --quiet --initial-branch main shop && cd shop
spec spec 10.0.0.1:80
commit one
mkdir ../elsewhere
echo '[default] not for anybody to read' >../elsewhere/credentials
echo 'not for anybody to read: [' >../elsewhere/more.yaml
ln -s ../../elsewhere/credentials spec/leak.yaml
ln -s ../../elsewhere spec/more
ln -s ../../elsewhere/credentials spec/.weftignore
mkdir spec/sub && ln -s ../mesh.yaml spec/sub/again.yaml
commit two

say weft check spec
say weft diff HEAD~1..HEAD --exit-code -- spec
say weft diff HEAD~1 --exit-code -- spec

# The spec itself, and values.
git mv spec real && ln -s real spec && ln -s ../elsewhere/more.yaml values.yaml
mkdir folder && ln -s ../real folder/spec && ln -s folder/spec/.. again
commit three
say weft check spec
say weft check folder/spec
say weft check again/real
say weft check "$PWD/spec"
say weft check real/leak.yaml
say weft check real --values values.yaml
say weft diff HEAD~1..HEAD --exit-code -- spec
say weft diff HEAD~1..HEAD --exit-code --values values.yaml -- real
