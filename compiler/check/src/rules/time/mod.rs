//! Rules about timeouts, retries and the calls between services.

/// A spec for examples: a rule of a gateway before `orders`, which calls `stock`, each with the retries that are given.
macro_rules! two_layers {
    ($outer:literal, $inner:literal) => {
        concat!(
            "weft: v1\n",
            "mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}\n",
            "gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}\n",
            "services:\n",
            "  orders:\n",
            "    protocol: http\n",
            "    app: 127.0.0.1:8080\n",
            "    endpoints: [\"127.0.0.1:8081\"]\n",
            "    calls: {stock: {retry: {",
            $inner,
            "}}}\n",
            "  stock: {protocol: http, endpoints: [\"127.0.0.1:8082\"]}\n",
            "routes:\n",
            "  orders: {on: public/web, host: \"*\", rules: [{to: orders, retry: {",
            $outer,
            "}}]}\n"
        )
    };
}

/// A spec for examples: `orders` calls `stock` as is given, and `stock` calls what is given for it.
macro_rules! two_services {
    ($orders:literal, $stock:literal) => {
        concat!(
            "weft: v1\n",
            "mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}\n",
            "services:\n",
            "  orders:\n",
            "    protocol: http\n",
            "    app: 127.0.0.1:8080\n",
            "    endpoints: [\"10.0.0.1:15443\"]\n",
            "    calls: ",
            $orders,
            "  stock:\n",
            "    protocol: http\n",
            "    app: 127.0.0.1:8080\n",
            "    endpoints: [\"10.0.0.2:15443\"]\n",
            $stock,
            "    allow: [{from: [service/orders]}]\n"
        )
    };
}

mod amplification;
mod call_cycle;
mod deadline_budget;
mod layered_retry;
mod outlived;
mod retry_cycle;
mod stream_cut;
mod timeout_inversion;
mod tries_do_not_fit;
mod unbounded;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &amplification::CODE,
        check: Some(amplification::check),
    },
    Rule {
        code: &call_cycle::CODE,
        check: Some(call_cycle::check),
    },
    Rule {
        code: &deadline_budget::CODE,
        check: Some(deadline_budget::check),
    },
    Rule {
        code: &layered_retry::CODE,
        check: Some(layered_retry::check),
    },
    Rule {
        code: &retry_cycle::CODE,
        check: Some(retry_cycle::check),
    },
    Rule {
        code: &stream_cut::CODE,
        check: Some(stream_cut::check),
    },
    Rule {
        code: &timeout_inversion::CODE,
        check: Some(timeout_inversion::check),
    },
    Rule {
        code: &tries_do_not_fit::CODE,
        check: Some(tries_do_not_fit::check),
    },
    Rule {
        code: &unbounded::CODE,
        check: Some(unbounded::check),
    },
];
