# Repositories in a repository: what looks like one is not asked, and what is one is not read.
git init --quiet --initial-branch main shop && cd shop
spec spec 10.0.0.1:80
commit one

# Files that make a folder look like a bare repository, whose history is another one and whose settings run commands.
git init --quiet --bare --initial-branch main fake
(
    export GIT_DIR=$PWD/fake GIT_WORK_TREE=$PWD
    git add spec && git commit --quiet --message fake && git commit --quiet --allow-empty --message same
    git config core.fsmonitor 'touch ran'
)
cp -r fake/* spec/ && rm -rf fake
spec spec 10.6.6.6:80
commit two
(cd spec && say weft diff HEAD~1..HEAD --exit-code)
say weft diff HEAD~1..HEAD --exit-code -- spec
(cd spec && say weft check .)

# A submodule, and a clone that nobody committed.
git init --quiet --initial-branch main ../other
(cd ../other && echo 'services: {' >broken.yaml && commit other)
git -c protocol.file.allow=always submodule --quiet add ../other spec/module
commit three
git clone --quiet ../other spec/clone
say weft check spec
say weft diff HEAD~1..HEAD --exit-code -- spec
say weft diff HEAD --exit-code -- spec
say weft diff HEAD~1..HEAD --exit-code -- spec/module
ls ran* 2>/dev/null || echo 'nothing ran'
