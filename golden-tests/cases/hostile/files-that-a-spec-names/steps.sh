# What a spec names is opened below its own folder alone, unless whoever runs the command says more.
spec spec 10.0.0.1:80
mkdir elsewhere
printf '[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\nsubjectAltName=DNS:other.example\n' >settings
openssl req -x509 -config settings -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 365 \
    -keyout elsewhere/web.key -out elsewhere/web.pem 2>/dev/null
sed -i 's/{port: 8080, protocol: http}/{port: 8443, protocol: https, tls: {certificate: web}}/; s/host: "\*"/host: a.example/' spec/mesh.yaml
echo "certificates: {web: {chain: $PWD/elsewhere/web.pem, key: $PWD/elsewhere/web.key}}" >>spec/mesh.yaml
say weft check spec
ln -s ../elsewhere spec/inside
sed -i "s#$PWD/elsewhere/#spec/inside/#g" spec/mesh.yaml
say weft check spec
rm spec/inside
sed -i "s#spec/inside/#elsewhere/#g" spec/mesh.yaml
say weft check spec --also-read elsewhere

# A snapshot to compare with.
weft build spec -o elsewhere/dist >/dev/null
echo 'assert: [{name: frozen, same: {for: {host: a.example}, as: ../elsewhere/dist}}]' >>spec/mesh.yaml
say weft check spec
say weft build spec -o dist
cp -r elsewhere/dist spec/baseline && sed -i 's#\.\./elsewhere/dist#baseline#' spec/mesh.yaml
weft build spec -o dist | tail -n 1
rm -r spec/baseline && ln -s ../elsewhere/dist spec/baseline
say weft build spec -o dist

# `weft init` writes through no link either.
mkdir fresh && ln -s ../elsewhere/made fresh/mesh.yaml
say weft init fresh
rm fresh/mesh.yaml && ln -s ../elsewhere fresh/services
say weft init fresh
ls elsewhere
