# Commands that write the files of a spec: they keep what they are not about, and write nothing through a link.
mkdir spec
cat >spec/mesh.yaml <<'YAML'
weft: v1
# The mesh.
mesh: {name: shop, trustDomain: shop.example, mtls: strict, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
    orders:   # the orders of the shop
        protocol: http
        app: 127.0.0.1:8081
        endpoints: [ "10.0.0.1:15443" ]
        allow:
        - {from: [ gateway/public , service/web ]}
    web:
        protocol: http
        app: 127.0.0.1:8082
        endpoints: ["10.0.0.2:15443"]
        allow: [{from: [gateway/public]}]
        calls:
            orders: {timeout: {request: 2s}}


routes:
    api: {on: public/web, host: "*", rules: [{path: /web/**, to: web}, {path: /orders/**, to: orders}]}
tests:
    - {name: orders, request: GET http://shop.example/orders/a, expect: {backend: orders}}
    - {name: inside, request: GET http://orders/orders/a, from: service/web, expect: {backend: orders}}
YAML
cp -r spec before
say weft check spec
say weft test spec --short

# Layout.
say weft fmt spec --check
say weft fmt spec
say cat spec/mesh.yaml
say weft fmt spec
say weft fmt spec --check
say weft diff before spec --short
printf 'a:   [ 1 ]\n' | say weft fmt -
mkdir wrong && printf 'weft: v1\nmesh: {\n' >wrong/mesh.yaml
say weft fmt wrong --short

# Another name.
say weft rename service order purchases spec
say weft rename service orders web spec
say weft rename service orders purchases spec
say diff before/mesh.yaml spec/mesh.yaml -bw
say weft test spec --short
say weft rename service purchases Not_A_Name spec --short
say weft rename service purchases orders spec
say weft diff before spec --short

# Edits of findings: what can mean one thing is made, what is only near is left.
sed -i 's/protocol: http$/Protocol: http/; s/timeout: {request: 2s}/timeout: {request: 2 seconds}/' spec/mesh.yaml
say weft check spec --short
say weft check spec --fix
say weft diff before spec --short
sed -i 's/to: web/to: wbe/; s/protocol: http$/protcol: http/' spec/mesh.yaml && cp spec/mesh.yaml near.yaml
say weft check spec --fix --short
say cmp near.yaml spec/mesh.yaml
sed -i 's/protcol: http$/protocol: http/' spec/mesh.yaml
say weft check spec --fix --short
sed -i 's/to: wbe/to: web/' spec/mesh.yaml
cp spec/mesh.yaml elsewhere.yaml && sed -i 's/to: web/to: wbe/' elsewhere.yaml
say weft check - --fix --short <elsewhere.yaml
