# A folder that a change adds does not stand for the branch that it is called as.
git init --quiet --initial-branch main shop && cd shop
spec spec 10.0.0.1:80
commit one
git switch --quiet --create change
spec spec 10.6.6.6:80
cp -r spec main
cp -r spec 'main..HEAD'
mkdir origin && cp -r spec origin/main
commit two
git update-ref refs/remotes/origin/main main

say weft diff main --exit-code -- spec
say weft diff origin/main --exit-code -- spec
say weft diff main..HEAD --exit-code -- spec
say weft diff main spec --exit-code
say weft diff ./main spec --exit-code
say weft diff main^0 --exit-code -- spec
say weft diff no-such --exit-code -- spec

# A snapshot of what was before, put into the spec of what is to be.
git switch --quiet main
cp -r spec ../before && weft build spec -o ../snapshot >/dev/null
git switch --quiet change
cp -r ../snapshot/* spec/
say weft diff ../before spec --exit-code
say weft diff ../snapshot spec --exit-code
