//! What changes about backends.

use weft_front::settings::risk::Risk;

use super::{reported, risks};

#[test]
fn a_backend_without_a_share_is_no_change() {
    let mesh = |port: &str, share: &str, rest: &str| {
        format!(
            r#"
mesh: {{name: m, trustDomain: m.test, mtls: disabled, defaults: {{timeout: {{request: 3s}}}}}}
gateways: {{g: {{listeners: {{l: {{port: 8080, protocol: http}}}}}}}}
services:
  s0: {{protocol: http, endpoints: ["10.0.0.1:{port}"]}}
  s1: {{protocol: http, endpoints: ["10.0.0.2:8082"]}}
routes: {{r: {{on: g/l, host: "*", rules: [{{to: {{s0: {share}, s1: {rest}}}}}]}}}}
"#
        )
    };
    let moved = |share: &str, rest: &str| {
        risks(&reported(
            &mesh("8081", share, rest),
            &mesh("9081", share, rest),
        ))
    };
    assert_eq!(moved("0%", "100%"), []);
    assert_eq!(moved("1%", "99%"), [Risk::A2]);
}
