//! Assertions that hold only because there is nothing that they speak of.

use weft_front::diagnostic::{Code, Diagnostic, Severity};
use weft_front::model::assertion::Assertion;

/// An assertion about nothing.
pub(super) static CODE: Code = Code {
    name: "vacuous-assertion",
    severity: Severity::Warning,
    finds: "An entry of `assert` whose region has no request that any rule takes, or whose call nobody is allowed to make.",
    why: "It holds whatever the mesh does: most often a host or a path is misspelt, and what was meant is not protected.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: shop.example, rules: [{to: orders}]}
assert:
  - name: nobody waits longer than 20 s
    bound: {for: {host: shop.exmaple}, timeout: 20s}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: shop.example, rules: [{to: orders}]}
assert:
  - name: nobody waits longer than 20 s
    bound: {for: {host: shop.example}, timeout: 20s}
"#
    ),
};

pub(super) fn report(assertion: &Assertion, why: &str) -> Diagnostic {
    let message = format!("`{}` says nothing: {why}", assertion.name);
    Diagnostic::new(&CODE, assertion.place, message)
        .help("correct its hosts, paths or names, or remove it")
}
