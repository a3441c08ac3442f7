# A reader that goes away, as `head` does, changes no verdict. This one has gone before the first byte.
spec good 10.0.0.1:80
spec bad 10.0.0.1:80
for field in a b c; do echo "$field: 1"; done >>bad/mesh.yaml
mkfifo pipe
exec 7<>pipe 8>pipe 7<&-

# Shows a command, runs it with nobody who reads, and says how it ended.
unread() {
    local code=0
    echo "\$ $* (unread)"
    timeout 30 "$@" >&8 2>&8 || code=$?
    echo "= $code"
    echo
}

for format in human json sarif github; do
    unread weft check bad --format $format
done
unread weft check good
unread weft build bad -o dist
unread weft build good -o dist
unread weft diff good bad --exit-code
unread weft why 'GET http://shop.example/cart/a' --spec bad
unread weft test bad
unread weft witness good
unread weft check nowhere
unread weft --help
