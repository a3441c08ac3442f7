# Who reads a format gets it also of what keeps a command from its work, and of tests.
spec good 10.0.0.1:80
for format in json sarif github; do
    say weft check nowhere --format $format
done
say weft check good --frmat --format=json
say weft diff nowhere good --exit-code --format github
say weft check good --format junit

cat >>good/mesh.yaml <<YAML
tests:
  - {name: cart, request: GET http://shop.example/cart/a, expect: {backend: cart}}
  - {name: "a <slow> one", request: GET http://shop.example/cart/a, expect: {timeout: 1s}}
YAML
say weft test good
say weft test good --short
for format in junit sarif github; do
    say weft test good --format $format
done
cp -r good wrong
sed -i 's/to: cart/to: crat/' wrong/mesh.yaml
say weft test wrong --format junit

# Of many mistakes the first are shown, and how many there are.
spec many 10.0.0.1:80
for number in $(seq 1 60); do echo "x$number: 1" >>many/mesh.yaml; done
say weft check many --max-errors 1
say weft check many --max-errors 2 --short
say weft check many --max-errors 1 --format json
for most in "" "--max-errors 0"; do
    echo "$ weft check many $most (counted)"
    weft check many $most >all.txt 2>&1 || true
    grep -c 'error\[unknown-field\]' all.txt
    tail -n 1 all.txt
    echo
done

# Colours where they are asked for.
sed 's/request: 15s/request: 14s/' many/mesh.yaml | head -n 5 >slow.txt
mkdir slow fast && head -n 5 many/mesh.yaml >fast/mesh.yaml && cp slow.txt slow/mesh.yaml
painted() {
    echo "$ $* (painted)"
    "$@" --color always 2>&1 | cat -v || true
    echo
}
painted weft diff fast slow --short
painted weft test good --short
painted weft why 'POST http://shop.example/nothing' --spec fast
painted weft check wrong --short
say weft diff fast slow --short --color never
