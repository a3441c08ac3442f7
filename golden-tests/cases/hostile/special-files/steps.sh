# A pipe is no file: it is said, and nobody waits for it.
spec spec 10.0.0.1:80
mkfifo pipe
mkfifo spec/notes
say weft check spec
mkfifo spec/more.yaml
say weft check spec
rm spec/more.yaml
say weft check spec --values pipe
say weft check pipe
say weft check /dev/null
cat >>spec/mesh.yaml <<YAML
certificates: {web: {chain: spec/notes, key: $PWD/pipe}, zero: {chain: /dev/zero, key: /dev/zero}}
YAML
sed -i 's/{port: 8080, protocol: http}/{port: 8443, protocol: https, tls: {certificate: web}}, more: {port: 8444, protocol: https, tls: {certificate: zero}}/' spec/mesh.yaml
say weft check spec
say weft check spec --also-read . --also-read /dev
mkfifo spec/.weftignore
say weft check spec

# What is called like a file of a spec and cannot be read rejects the spec; a name that nearly is one is said.
spec parts 10.0.0.1:80
mkfifo parts/pipe.yaml
ln -s nowhere parts/gone.yml
ln -s loop.yaml parts/loop.yaml
ln -s nowhere parts/notes
printf 'weft: v1\n# \xff\n' >parts/latin.yaml
cp parts/mesh.yaml parts/x.YAML
cp parts/mesh.yaml parts/y.Yml
say weft check parts
say weft build parts -o dist
say weft check parts --format json
