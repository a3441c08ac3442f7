//! A snapshot is the same after a way through a registry: skopeo and docker-registry copy it, `weft` and proxies read it.
//!
//! A program that is not installed is skipped with a line that says so; with `CI=true` that is a failure.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use weft_examples::ports;
use weft_examples::proxy::{Launch, Proxy};
use weft_golden_tests::programs::{Need, is_missing};
use weft_snapshot::layout::{Digest, OCI_LAYOUT};

const NEEDS: [Need; 2] = [
    Need::Program("skopeo", "--version"),
    Need::Program("docker-registry", "--version"),
];
/// From the start of the registry to its first answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder, a registry that keeps its blobs in it, and a port for a gateway.
struct Scene {
    folder: tempfile::TempDir,
    registry: Child,
    address: SocketAddr,
    port: u16,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _gone_already = self.registry.kill();
        let _reaped = self.registry.wait();
    }
}

impl Scene {
    /// Nothing where a program is missing.
    fn start() -> Option<Self> {
        if is_missing(&NEEDS).unwrap() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let address = ports::free_address().unwrap();
        let root = folder.path().display();
        let settings = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {root}/registry}}}}\nhttp: {{addr: \"{address}\"}}\nlog: {{level: error}}\n"
        );
        let file = folder.path().join("registry.yml");
        fs::write(&file, settings).unwrap();
        let registry = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(
                began.elapsed() < PATIENCE,
                "docker-registry does not answer"
            );
            thread::yield_now();
        }
        Some(Self {
            folder,
            registry,
            address,
            port: ports::free().unwrap(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a program in the folder.
    fn run(&self, command: &mut Command) -> Output {
        let command = command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.output().unwrap()
    }

    fn weft(&self, words: &str) -> Result<String, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft-tested"));
        let command = command.arg0("weft").args(words.split_whitespace());
        let output = self.run(command);
        let said = [&output.stdout, &output.stderr];
        let said = said.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        if output.status.success() {
            Ok(said.concat())
        } else {
            Err(said.concat())
        }
    }

    /// Copies with skopeo; `REGISTRY` is the repository in the registry.
    fn copy(&self, words: &str) {
        let repository = format!("docker://{}/weft/shop", self.address);
        let words = words.replace("REGISTRY", &repository);
        let mut command = Command::new("skopeo");
        let output = self.run(
            command
                .args(["--insecure-policy", "copy", "--quiet"])
                .args(["--src-tls-verify=false", "--dest-tls-verify=false"])
                .args(words.split_whitespace()),
        );
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "skopeo {words}: {said}");
    }

    /// Builds a gateway that answers with `text`.
    fn build(&self, text: &str, words: &str) -> String {
        let spec = format!(
            "weft: v1\nmesh: {{name: shop, trustDomain: shop.example, defaults: {{timeout: {{request: 15s}}}}}}\n\
             gateways: {{public: {{listeners: {{web: {{address: 127.0.0.1, port: {}, protocol: http}}}}}}}}\n\
             routes: {{all: {{on: public/web, host: \"*\", rules: [{{path: /**, respond: {{status: 200, body: {text}}}}}]}}}}\n",
            self.port
        );
        fs::create_dir_all(self.path("spec")).unwrap();
        fs::write(self.path("spec/mesh.yaml"), spec).unwrap();
        self.weft(&format!("build spec {words}")).unwrap()
    }

    /// What `weft inspect` says.
    fn inspect(&self, dist: &str) -> Value {
        serde_json::from_str(&self.weft(&format!("inspect {dist}")).unwrap()).unwrap()
    }

    /// The generation that a proxy serves from a folder.
    fn served(&self, dist: &str, arguments: &[&str]) -> u64 {
        let launch = Launch {
            executable: PathBuf::from(env!("CARGO_BIN_EXE_weft-tested")),
            snapshot: self.path(dist),
            node: "gateway/public".to_owned(),
            identity: self.path("identity"),
            logs: self.path("logs"),
            name: dist.to_owned(),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut proxy = Proxy::start(launch).unwrap();
            let ready = proxy.ready().await;
            assert!(ready.is_ok(), "{dist}: {}", proxy.log());
            let seen = proxy.snapshot().await.unwrap();
            seen.get("generation").and_then(Value::as_u64).unwrap()
        })
    }
}

/// An index in the layout in place of what its `index.json` said, which names it alone; no tool at hand makes such a layout.
fn nest(dist: &Path) {
    let text = fs::read_to_string(dist.join("index.json")).unwrap();
    let mut inner: Value = serde_json::from_str(&text).unwrap();
    let entries = inner.get_mut("manifests").and_then(Value::as_array_mut);
    for entry in entries.unwrap() {
        entry.as_object_mut().unwrap().remove("annotations");
    }
    let inner = inner.to_string();
    let digest = Digest::of(inner.as_bytes());
    fs::write(dist.join(digest.blob_path()), &inner).unwrap();
    let outer = serde_json::json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": digest.to_string(),
            "size": inner.len(),
        }],
    });
    fs::write(dist.join("index.json"), outer.to_string()).unwrap();
}

#[test]
fn a_snapshot_survives_a_registry_and_back() {
    let Some(scene) = Scene::start() else {
        return;
    };
    scene.build("one", "-o dist --generation 41");
    // As somebody writes it who has never heard of tags.
    scene.copy("oci:dist REGISTRY:one");
    scene.copy("REGISTRY:one oci:back");
    let (here, back) = (scene.inspect("dist"), scene.inspect("back"));
    for part in ["mesh", "generation", "manifest", "origins", "nodes"] {
        assert_eq!(here[part], back[part], "{part}");
    }
    assert_eq!(back["generation"], 41);
    let diff = scene.weft("diff dist back --exit-code").unwrap();
    assert!(diff.contains("the same snapshot"), "{diff}");
    assert_eq!(scene.served("back", &[]), 41);

    // A build into what came back goes on counting.
    let built = scene.build("two", "-o back");
    assert!(built.contains("generation 42 in back"), "{built}");
    scene.copy("oci:back:latest REGISTRY:two");
    scene.copy("oci:back:generation-41 REGISTRY:one-again");

    // A copy into a layout that has another snapshot already.
    scene.copy("REGISTRY:two oci:dist");
    assert_eq!(scene.inspect("dist")["generation"], 42);
    assert_eq!(scene.inspect("dist:latest")["generation"], 41);
    assert_eq!(scene.served("dist", &[]), 42);
    assert_eq!(scene.served("dist", &["--tag", "latest"]), 41);

    // Two tags in one layout, and then one of them moved.
    scene.copy("REGISTRY:one-again oci:tagged:old");
    scene.copy("REGISTRY:two oci:tagged:new");
    let diff = scene.weft("diff tagged:old tagged:new").unwrap();
    assert!(diff.contains("1 behavioural change"), "{diff}");
    assert_eq!(scene.inspect("tagged:old")["generation"], 41);
    scene.copy("REGISTRY:one oci:tagged:new");
    assert_eq!(scene.inspect("tagged:new")["generation"], 41);
    assert_eq!(scene.served("tagged", &["--tag", "new"]), 41);
    let said = scene.weft("inspect tagged:none").unwrap_err();
    assert!(said.contains("no snapshot has the tag `none`"), "{said}");
}

#[test]
fn an_index_that_arrives_nested_is_followed() {
    let Some(scene) = Scene::start() else {
        return;
    };
    scene.build("one", "-o dist");
    scene.build("two", "-o dist");
    nest(&scene.path("dist"));
    assert_eq!(scene.inspect("dist")["generation"], 2);
    scene.copy("--all oci:dist REGISTRY:all");
    scene.copy("--all REGISTRY:all oci:back:all");
    let back = scene.inspect("back");
    assert_eq!(back["generation"], 2);
    assert_eq!(back["snapshots"].as_array().map(Vec::len), Some(2));
    assert_eq!(scene.served("back", &[]), 2);
    assert_eq!(scene.served("back", &["--tag", "all"]), 2);
    let built = scene.build("three", "-o back");
    assert!(built.contains("generation 3 in back"), "{built}");
    assert_eq!(scene.served("back", &["--tag", "all"]), 2);
}

/// An image as others make them: a config, and a layer of files.
fn image(dist: &Path) {
    let blob = |media_type: &str, bytes: &[u8]| {
        let digest = Digest::of(bytes);
        fs::write(dist.join(digest.blob_path()), bytes).unwrap();
        serde_json::json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
    };
    fs::create_dir_all(dist.join("blobs/sha256")).unwrap();
    let config =
        br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let config = blob("application/vnd.oci.image.config.v1+json", config);
    let manifest = serde_json::json!({"schemaVersion": 2, "config": config, "layers": []});
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = blob(kind, manifest.to_string().as_bytes());
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(dist.join("index.json"), index.to_string()).unwrap();
    fs::write(dist.join("oci-layout"), OCI_LAYOUT).unwrap();
}

#[test]
fn an_image_of_something_else_is_passed_over_beside_a_snapshot_and_refused_alone() {
    let Some(scene) = Scene::start() else {
        return;
    };
    image(&scene.path("image"));
    scene.copy("oci:image REGISTRY:image");
    scene.copy("REGISTRY:image oci:back");
    let said = scene.weft("inspect back").unwrap_err();
    assert!(
        said.contains("none of its manifests is one of a snapshot"),
        "{said}"
    );
    scene.build("one", "-o dist");
    scene.copy("REGISTRY:image oci:dist:image");
    assert_eq!(scene.inspect("dist")["generation"], 1);
    assert_eq!(scene.served("dist", &[]), 1);
    assert!(scene.weft("inspect dist:image").is_err());
    // A build leaves it where it is.
    let built = scene.build("two", "-o dist --keep 1");
    assert!(built.contains("generation 2 in dist"), "{built}");
    scene.copy("oci:dist:image REGISTRY:image-again");
    assert_eq!(scene.served("dist", &[]), 2);
}
