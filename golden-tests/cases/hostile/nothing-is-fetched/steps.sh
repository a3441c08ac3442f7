# Nothing is fetched and nothing is run, whatever the settings of the repository say.
git init --quiet --initial-branch main origin
(cd origin && spec spec 10.0.0.1:80 && commit one && spec spec 10.6.6.6:80 && commit two && git config uploadpack.allowFilter true)
git clone --quiet --filter=blob:none --no-checkout "file://$PWD/origin" shop && cd shop
cat >../mark <<MARK
#!/bin/sh
touch "$PWD/../ran"
exec git-upload-pack "\$@"
MARK
chmod +x ../mark
git config remote.origin.uploadpack "$PWD/../mark"
git config core.fsmonitor "$PWD/../mark"
git config core.sshCommand "$PWD/../mark"
git config core.pager "$PWD/../mark"
git config alias.ls-tree "!$PWD/../mark"
git config diff.external "$PWD/../mark"
mkdir -p .git/hooks && cp ../mark .git/hooks/reference-transaction && cp ../mark .git/hooks/post-index-change
say weft diff HEAD~1..HEAD --exit-code -- spec
ls ../ran 2>/dev/null || echo 'nothing ran'
