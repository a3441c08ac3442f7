# Values beside the spec are those of the revision, never those of the work tree.
git init --quiet --initial-branch main shop && cd shop
spec spec '{{ cart }}'
mkdir env && echo 'cart: 10.0.0.1:80' >env/prod.yaml
commit one
echo 'cart: 10.6.6.6:80' >env/prod.yaml
commit two

say weft diff HEAD~1..HEAD --exit-code --values env/prod.yaml -- spec
# From another folder the paths are other ones, and the files are the same.
(cd env && say weft diff HEAD~1..HEAD --exit-code --values prod.yaml -- ../spec)
(cd env && say weft diff HEAD~1 --exit-code --values "$PWD/prod.yaml" -- ../spec)

# What a revision does not have is taken from nowhere else.
echo 'cart: 10.0.0.1:80' >env/new.yaml
say weft diff HEAD~1..HEAD --exit-code --values env/new.yaml -- spec
echo 'cart: 10.0.0.1:80' >../beside.yaml
say weft diff HEAD~1..HEAD --exit-code --values ../beside.yaml -- spec
say weft diff HEAD~1..HEAD --exit-code --values "${PWD%/*}/beside.yaml" -- spec
say weft diff HEAD~1..HEAD --exit-code --values env/prod.yaml -- ../shop/spec

# The same for two folders: a file inside one of them has its like in the other, or nowhere.
cp -r spec before && cp -r spec after && cp env/prod.yaml before/values.yaml
say weft diff before after --exit-code --values before/values.yaml

# A file that says which folder is none of the spec is an input too.
mkdir spec/more && echo 'weft: v1' >spec/more/more.yaml && touch spec/more/.weftignore
commit three
rm spec/more/.weftignore && echo 'weft: v0' >spec/more/more.yaml
commit four
say weft diff HEAD~1..HEAD --exit-code --values env/prod.yaml -- spec
