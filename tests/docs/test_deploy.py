"""What cannot be run here is read: the files of a deployment parse, and agree with the server and with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp.http.app import PATH
from greenlake_backup_mcp.http.server import IDLE_SECONDS
from greenlake_backup_mcp.settings import Settings

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parents[2]
KUBERNETES = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
PROBES = {"/healthz", "/readyz"}


def variables() -> set[str]:
    """Every environment variable that a setting is read from."""
    collected = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        choices = getattr(alias, "choices", None)
        collected |= set(choices) if choices else {f"GREENLAKE_MCP_{name.upper()}"}
    return collected


def manifests() -> Iterator[dict[str, Any]]:
    for path in KUBERNETES:
        yield from (document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document)


def manifest(kind: str, name: str = "greenlake-backup-mcp") -> dict[str, Any]:
    return next(m for m in manifests() if m["kind"] == kind and m["metadata"]["name"] == name)


def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_each_variable_that_a_deployment_sets_is_one_of_the_server() -> None:
    files = [*KUBERNETES, *(ROOT / "deploy").glob("env*"), ROOT / "compose.yaml", ROOT / "Dockerfile"]
    files += [ROOT / "deploy/nginx.conf", ROOT / "docs/DEPLOYMENT.md"]
    named = {n for f in files for n in re.findall(r"GREENLAKE_(?!MCP_…)[A-Z_]+[A-Z]", f.read_text(encoding="utf-8"))}
    assert named
    assert named <= variables()


def test_the_image_runs_without_root_and_is_checked_where_the_server_answers() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER (?!0|root)\d+", text, re.MULTILINE)
    assert "/healthz" in text
    for line in re.findall(r"^COPY (?!--from)(.+)", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in (ROOT / ".dockerignore").read_text(encoding="utf-8")


def test_every_container_is_read_only_and_has_no_capability() -> None:
    for service in compose()["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["user"].split(":")[0] != "0"
        assert "no-new-privileges:true" in service["security_opt"]
    pods = [m["spec"]["template"]["spec"] for m in manifests() if m["kind"] in ("Deployment", "StatefulSet")]
    assert len(pods) == 2
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["resources"]["limits"]["memory"]


def test_compose_has_two_replicas_that_nginx_names_and_a_redis_they_share() -> None:
    services = compose()["services"]
    replicas = {name for name in services if name.startswith("replica-")}
    assert len(replicas) == 2
    conf = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"server (replica-\d):8080", conf)) == replicas
    logs = set()
    for name in replicas:
        environment = services[name]["environment"]
        assert environment["GREENLAKE_MCP_REDIS_URL"] == "redis://redis:6379/0"
        logs.add(environment["GREENLAKE_MCP_AUDIT_LOG"])
        grace = Settings.model_fields["grace"].default
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > grace
        assert set(services[name]["secrets"]) <= set(compose()["secrets"])
    assert len(logs) == len(replicas)


def test_pods_are_probed_where_the_server_answers_and_end_after_their_calls() -> None:
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    server = pod["containers"][0]
    probed = {server[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert probed == PROBES
    pause = int(re.search(r"sleep\((\d+)\)", server["lifecycle"]["preStop"]["exec"]["command"][-1])[1])  # type: ignore[index]
    grace = int(manifest("ConfigMap")["data"]["GREENLAKE_MCP_GRACE"])
    assert pod["terminationGracePeriodSeconds"] > pause + grace


def test_the_parts_of_the_kubernetes_deployment_find_each_other() -> None:
    listed = yaml.safe_load((ROOT / "deploy/kubernetes/kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert {*listed, "kustomization.yaml", "secrets.example.yaml"} == {path.name for path in KUBERNETES}
    pod = manifest("Deployment")["spec"]["template"]
    server = pod["spec"]["containers"][0]
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        spec = manifest(kind)["spec"]
        selector = spec["selector"] if "selector" in spec else spec["podSelector"]
        assert selector.get("matchLabels", selector) == pod["metadata"]["labels"]
    ports = {port["name"] for port in server["ports"]}
    assert manifest("Service")["spec"]["ports"][0]["targetPort"] in ports
    names = {source[kind]["name"] for source in server["envFrom"] for kind in source}
    assert names == {manifest("ConfigMap")["metadata"]["name"], manifest("Secret")["metadata"]["name"]}
    claims = {v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v}
    assert claims == {manifest("PersistentVolumeClaim", "greenlake-backup-mcp-audit")["metadata"]["name"]}
    paths = [p["path"] for rule in manifest("Ingress")["spec"]["rules"] for p in rule["http"]["paths"]]
    assert paths == [PATH, "/.well-known/oauth-protected-resource"]
    redis = manifest("ConfigMap")["data"]["GREENLAKE_MCP_REDIS_URL"]
    assert manifest("Service", "greenlake-backup-mcp-redis")["metadata"]["name"] in redis
    target = manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "greenlake-backup-mcp")


def test_all_replicas_together_stay_below_the_services_rate() -> None:
    most = manifest("HorizontalPodAutoscaler")["spec"]["maxReplicas"]
    assert most * float(manifest("ConfigMap")["data"]["GREENLAKE_MCP_RATE"]) <= Settings.model_fields["rate"].default


def test_no_real_secret_is_committed() -> None:
    for value in manifest("Secret")["stringData"].values():
        assert value.startswith("<")
    for line in (ROOT / "deploy/env.example").read_text(encoding="utf-8").splitlines():
        if re.match(r"\w*(SECRET|CLIENT_ID|TOKEN)\w*=", line):
            assert line.endswith("=")


def test_nginx_accepts_the_configuration_and_keeps_connections_no_longer_than_the_server(tmp_path: Path) -> None:
    text = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
    match = re.search(r"keepalive_timeout (\d+)", text)
    assert (int(match[1]) if match else 60) < IDLE_SECONDS
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if nginx is None:
        pytest.skip("needs nginx")
    conf = tmp_path / "nginx.conf"
    existing = re.sub(r"replica-\d", "127.0.0.1", text).replace("/tmp/", f"{tmp_path}/")  # noqa: S108
    conf.write_text(existing, encoding="utf-8")
    result = subprocess.run([nginx, "-t", "-c", conf], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_each_entry_of_a_conformance_baseline_names_one_check_and_its_reason(revision: str) -> None:
    text = (ROOT / f"tests/conformance/{revision}.yml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)["server"]
    explained = re.findall(r"^  - ([\w-]+:[\w-]+)  # \w.+$", text, re.MULTILINE)
    assert explained == entries
    assert len(set(entries)) == len(entries)
