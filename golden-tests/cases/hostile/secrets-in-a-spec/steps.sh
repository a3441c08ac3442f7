# A finding about a secret does not print it, and neither does another finding about its line.
spec spec 10.0.0.1:80
cat >spec/routes.yaml <<'YAML'
weft: v1
routes: {one: {on: public/web, host: a.example, rules: [{path: /a, to: cart, requestHeaders: {set: {authorization: "Bearer for-nobody-0123456789", x-note: AKIAFORNOBODYTOREAD0}}}]}}
YAML
say weft check spec
say weft check spec --format json
say weft check spec --format github
for format in json sarif github human; do
    weft check spec --format $format 2>&1 | grep -c -e NOBODY -e nobody || true
done
sed -i 's/to: cart/tooo: cart/' spec/routes.yaml
say weft check spec
sed -i 's/x-note: \(.*\)}}}/x-note: {AKIAFORNOBODYTOREAD0: }}}}/' spec/routes.yaml
say weft check spec
cat >spec/routes.yaml <<'YAML'
weft: v1
routes:
  one:
    on: public/web
    host: a.example
    rules:
      - path: /a
        respond:
          status: 200
          body: |
            -----BEGIN PRIVATE KEY-----
            Zm9yIG5vYm9keSB0byByZWFk
            -----END PRIVATE KEY-----
YAML
say weft check spec

# Values are not shown at all.
spec spec '{{ cart }}' && rm spec/routes.yaml
echo 'cart: [for-nobody-to-read' >values.yaml
say weft check spec --values values.yaml
