# ruff: noqa: E501  (a table reads by its rows)
"""TABLES of words: what people of the field say for the things of this service, and for what one does to them.

A row is `meaning: phrases`, parted by commas. In a phrase `a/b` is a choice, `_` is a space within a choice, `..` stands
for up to seven words, and the last word may be plural. Verbs of one word stand in VERBS, in their base form. Weights say how surely a phrase means it.
Knows English and the field. Must know nothing of single tools, nor how a question is read.
"""

from __future__ import annotations

# In order: the first that matches takes its words away from the later ones. Empty meaning: says nothing by itself.
THINGS: tuple[tuple[str, str], ...] = (
    ("bare", "neither .. policy/backup/protection nor .. policy/backup/protection/snapshot/copy/recovery_point/restore_point, no/without/lack/lacks/lacking/missing/any backup/protection policy/job/plan/schedule/sla, no/without/lack/lacks/lacking/missing/have any policy/backup/protection/job/snapshot/sla, without any policy/backup/protection/job/snapshot, without/no/any/missing/lack/lacks/lacking a/any/single/valid/recent/current backup/protection policy/job/plan/schedule/sla, without a/any/single/valid/recent/current backup/policy/job/protection/sla, no/without recent/valid/current backup, never backed up, not backed up, not covered, not in any policy, not protected, nobody protects, unprotected, uncovered, unsecured, lapsed"),
    ("support", "support/log/diagnostic/diagnostics bundle/log/logs/file/package/dump/archive/data, diagnostic, diagnostics, bundle, log/logs of/from/for/off, the logs, tech support dump, sos report, collect/gather/grab/pull .. logs, wants/need/needs logs"),
    ("totp", "one/1 time login/console/access/pass code/password/passcode, one/1 time code/password/passcode/login/token/pin, otp, totp, login/access code, short lived code"),
    ("console", "console user/login/password/credential/account/user name, console .. user/password/credentials, password/credentials/login/user of/for/to/on .. console, log/sign in/into/on/on_to .. console, gateway password/credential"),
    ("remote", "remote support/access/session/assistance/login/tunnel, support access/session/tunnel, support .. remote/remotely, remote .. support, let/allow hpe/support .. in/into/on, remotely, support/hpe engineer/engineers, engineer/engineers .. access"),
    ("check", "pre check, precheck, dry run, restore check/test/readiness"),
    ("vm_group", "vm protection group, virtual machine protection group, vm group, virtual machine group, group of vm/virtual_machine, vmpg, dynamic group/protection group, vvol group, replication group"),
    ("sql_group", "mssql/sql/database/db/availability protection group, sql/database/db/mssql group, sql server protection group, group of database/sql_database/db, mssql database protection group, sql server group"),
    ("volume_group", "volume protection group, volume group, volume collection, volume set, array group, consistency group, application set, group of volume/array_volume/lun, storage volume group, vpg"),
    ("datastore", "data store, vmfs, vmfs volume, nfs/vmware datastore, datastore"),
    ("gateway", "protection store gateway vm/appliance/guest os/operating system, protection store gateway, backup gateway vm/appliance, backup/store/protection gateway, data mover, psg vm/appliance, psg, media agent, backup proxy, gateway vm/appliance, gateway"),
    ("orchestrator", "data orchestrator vm/appliance/guest os/operating system, data orchestrator, orchestrator vm/appliance, orchestrator, control vm, on prem/premises control vm, dom"),
    ("storeonce", "storeonce system/appliance/box/catalyst/device/unit, store once system/appliance, store once, storeonce, catalyst, dedupe/deduplication appliance, backup appliance"),
    ("store", "protection store, backup store/repository/target/vault/storage/library, cloud/local/on_prem/on_premises/onprem/azure/aws/archive store/repository/vault/target/tier storage, backup/cloud/object/s3 bucket, scale out repository, storage unit, repository, vault, bucket, store"),
    ("location", "storage/cloud location, cloud/azure/aws/google region, region of/in .. cloud, region, data center location, hyperscaler"),
    ("app_host", "application host, app host, sql/mssql/database/db host/machine/node, windows/sql cluster, windows host/server/machine, sql server host/machine/vm/node, win server, agent host"),
    ("instance", "sql/sql_server/mssql/database_server version/edition, sql server instance, sql/mssql/database/db instance, named instance, instance, sqlserver instance"),
    ("database", "sql server database/db, microsoft sql database/db, ms sql database/db, sql/mssql database/db, mssql, ms sql, database, db, sql server, sql data, sql"),
    ("ag", "always on availability group, always on group, availability group, always on, ag"),
    ("vcenter", "vcenter server, v center, vcenter, vcsa, hypervisor manager, vsphere server"),
    ("cluster", "esxi/esx/vmware/vsphere/hypervisor/compute cluster, cluster"),
    ("esx", "esxi/esx/hypervisor/vmware host/server/node, esxi, esx, hypervisor, physical host, compute host"),
    ("pool", "resource pool, pool"),
    ("tag", "vsphere/vmware/vcenter tag, tag category/categories, tag"),
    ("folder", "vm/vsphere/vcenter/inventory folder"),
    ("nic", "network interface/adapter/card/port, nic, vnic, interface, ethernet port, eth0, eth1, eth2, adapter"),
    ("network", "port group, portgroup, vlan, vswitch, distributed switch, vm network, networks"),
    ("volume", "array/storage/san/block/alletra/primera/nimble volume/lun, volume, lun"),
    ("file", "single file/folder, file/folder level, file/files/folder/folders and folder/folders/file/files, file, document, directory, spreadsheet, excel sheet, granular, flr, config file"),
    ("disk", "virtual/hard/data/second/single/os/system disk/drive, vmdk, disk, drive, vhd, virtual hard disk"),
    ("task", "running job/backup/restore/task/operation, job/jobs/backup/backups/restore/restores .. running/in_progress/under_way"),
    ("job", "protection/backup/snapshot job, backup/protection/snapshot schedule/run/window, job, backup session, protection assignment"),
    ("policy", "protection/backup/snapshot/retention/data_protection policy/policies/template/plan/rule/sla, service level agreement, sla domain, sla, policy, policies, template, protection/backup tier, gold, silver, bronze, platinum"),
    ("setting", "do/does .. need/require .. second/two/another person/people/approver/approval/admin, need two/2 people/person/admin"),
    ("approval", "dual auth/authorization/authorisation request, approval request, second/other/another person/approver/admin/administrator/pair_of_eye, dual auth/authorization/authorisation operation, approval, approver, sign off, pending deletion, pending approval, waiting for approval"),
    ("setting", "dual auth/authorization/authorisation, four eyes, 4 eyes, four eye principle, two person rule/approval/integrity, two person, workspace/global/tenant/service setting, setting, feature switch, multi admin verification, mav"),
    ("issue", "alert, alarm, warning, incident, issue, open problem, health event, recommendation"),
    ("task", "async operation, asynchronous operation, background operation, running job/backup/restore, backup/restore task, which/what/all/any/list/show restores, restores .. ran/run/done/running, task, operation, activity, activities, activity log, progress of .. restore/backup"),
    ("copy", "which point_in_time/points_in_time, how far back, last backed up, recovery/restore point, recoverypoint, restorepoint, rp, backup copy/image, restore copy, copy, copies, image, save point"),
    ("snapshot", "array snapshot/snap, storage snapshot/snap, local snapshot, snapshot, snap, hardware snapshot, primary copy"),
    ("backup", "cloud/local/full/log/offsite/on_prem/on_premises backup, offsite/cloud/vaulted copy/copies/restore_point/recovery_point, savepoint in store, backup"),
    ("group", "protection group, group, farm"),
    ("vm", "virtual machine, vm, virtual server, virtual guest, guest vm, guest machine, machine, workload, virtuals, linux/windows vm, box"),
    ("host", "host"),
    ("server", "server, workstation"),
)  # fmt: skip

# Things that a phrase only hints at, and how strongly.
HINTS: tuple[tuple[float, str, str], ...] = (
    (0.75, "vm", "coverage, powered off, vmware tools, slip/slipped through, exposed, would be lost"),
    (0.9, "job", "backed up last night, failed, failing, fail, succeeded, succeed, success rate, go/went wrong/through/well/fine/ok, last night, tonight, this night, overnight, rpo, overdue, missed, next run, last run, next backup, last successful, get/got backed up, not run/ran, did not run, last outcome/result, suspended, paused, on hold, in red, red, green, behind schedule, late, 24 hours, stopped working, schedules, scheduled, due"),
    (0.6, "store", "where .. stored/kept, where .. live, capacity, terabyte, tb, full, space, storage consumption/usage/used, consume, eat, dedupe ratio, backup storage, running out, bytes, cost/costs, cloud storage/capacity"),
    (0.7, "policy", "retention, how long .. keep/kept/retain, schedule, schedules, tier, tiers, every hour, every day, every .. hour/hours, frequency, interval"),
    (0.5, "policy", "hourly, daily, weekly, monthly"),
    (0.5, "gateway", "dns, ntp, proxy, mac address, cpu, ram, ping, traceroute, hops"),
    (0.5, "nic", "ip, ip address, netmask, subnet, static ip, mtu, address"),
    (0.4, "orchestrator", "ntp, time server, activation code, on prem control, site control"),
    (0.45, "storeonce", "licensed, license, catalyst store"),
    (0.55, "vm_group", "dynamic, tagged, tag, members, member, vvol"),
    (0.4, "sql_group", "databases .. together"),
    (0.5, "app_host", "service account, windows"),
    (0.5, "instance", "sa, sa login, sql login, recovery model"),
    (0.6, "app_host", "sql server, sql servers"),
    (0.9, "task", "going on, happening, what ran, what has run, ran in, ran since, last hour, past hour, system .. doing, doing right now, doing now, busy with, in progress, under way, running right now, running now, currently running, is running, are running, right now running, still running, who did, what happened, history, what was done, percent, progress, how far, child"),
    (0.7, "issue", "something wrong, anything wrong, wrong with, attention, critical, severity, health problem, trouble, problem, problems, what is wrong, unhealthy, broken"),
    (0.8, "approval", "approve, approved, approving, approves, waits for .. person, waiting for .. person, waiting for someone, second pair, pending_delete_approval, pending deletion"),
    (1.0, "location", "where can/could, can/could .. be located/placed, located in the cloud"),
    (0.7, "location", "where in the cloud, which cloud/clouds"),
    (0.6, "network", "network, networks, which vlan"),
    (1.2, "folder", "which/what folder/folders"),
    (0.85, "folder", "folder id, folder .. vcenter, vcenter .. folder, folder .. in vsphere, folders"),
    (0.8, "file", "folder, folders, document, mailbox"),
    (0.5, "vm", "power state, exchange, linux, file server, fileserver, print server, web server, domain controller, app server, mail server, workload, ransomware, encrypted"),
    (0.5, "database", "point in time, transaction log, log backup, log backups, recovery model, tail log, dba, norecovery"),
    (0.6, "backup", "cloud, offsite, off site, store, immutable, worm, object lock, long term, legal hold"),
    (0.6, "snapshot", "array, local copy, local copies, on the array, on array"),
    (0.45, "volume_group", "array, arrays, alletra, iscsi, san, cascade, oracle"),
    (0.45, "esx", "host, hosts"),
    (0.35, "app_host", "host, hosts, server, servers"),
    (0.6, "vm", "server, servers"),
)  # fmt: skip

# What the parts of a name give away ("psg-02"); weak, for names are free.
NAME_HINTS = {
    "psg": ("gateway", 0.9), "gw": ("gateway", 0.7), "gateway": ("gateway", 0.8), "do": ("orchestrator", 0.7), "orch": ("orchestrator", 0.7),
    "so": ("storeonce", 0.6), "storeonce": ("storeonce", 0.9), "ds": ("datastore", 0.8), "datastore": ("datastore", 0.8),
    "vg": ("volume_group", 0.8), "vol": ("volume_group", 0.7), "vpg": ("volume_group", 0.9), "vmpg": ("vm_group", 0.9), "vm": ("vm", 0.7), "win": ("app_host", 0.5), "sqlhost": ("app_host", 0.7), "host": ("app_host", 0.5), "mssql": ("database", 0.5), "dc": ("vm", 0.5), "srv": ("vm", 0.4), "web": ("vm", 0.4), "sql": ("database", 0.4),
    "store": ("store", 0.7), "vault": ("store", 0.7), "esx": ("esx", 0.8), "esxi": ("esx", 0.8), "vc": ("vcenter", 0.7), "vcenter": ("vcenter", 0.9),
    "policy": ("policy", 0.7), "gold": ("policy", 0.7), "silver": ("policy", 0.7), "bronze": ("policy", 0.7), "group": ("group", 0.6), "farm": ("group", 0.6),
}  # fmt: skip

# What is to be done -> verbs of one word. The first meaning of a verb is its usual one; things decide between several.
VERBS: dict[str, str] = {
    "create": "create make define add register deploy install build connect onboard provision enroll establish introduce prepare integrate open set",
    "assign": "assign apply protect secure safeguard cover backup enable",
    "group": "group bundle combine gather collect pool",
    "update": "update change modify edit alter adjust set configure correct rename relabel fix point assign give amend increase reduce lower raise tweak reconfigure edit replace rotate",
    "expiry": "extend prolong shorten lengthen lock unlock keep hold retain preserve postpone expire freeze age",
    "members": "add include exclude remove join kick drop move take put",
    "replace": "replace overwrite rewrite redefine",
    "delete": "delete remove drop purge erase destroy wipe unregister dissolve disband decommission discard trash scrap kill nuke deregister retire unassign unprotect prune clear eliminate dispose disconnect",
    "restore": "restore recover revert rollback undelete retrieve rewind resurrect clone fetch extract failover reinstate salvage rescue return pull overwrite",
    "recover": "recover rebuild restore reinstate transfer reinstall migrate",
    "run": "run trigger start launch execute force fire",
    "take": "take make create snapshot snap trigger",
    "upload": "copy send upload transfer archive export backup push",
    "suspend": "suspend pause stop halt freeze hold disable interrupt skip deactivate",
    "resume": "resume unpause continue reactivate reenable unfreeze unsuspend restart enable start",
    "restart": "restart reboot bounce reset cycle",
    "shutdown": "shutdown stop poweroff halt",
    "power": "start boot poweron wake",
    "refresh": "refresh reevaluate rediscover rescan discover resync synchronize sync reread reload scan detect poll reinventory update",
    "attach": "attach mount present expose map export",
    "detach": "detach unmount dismount unmap unpresent disconnect remove release",
    "reattach": "reattach reconnect attach rebind relink connect move",
    "resize": "resize grow expand enlarge increase upgrade scale extend bump give add",
    "size": "size calculate estimate compute dimension sizing plan",
    "check": "validate verify simulate rehearse",
    "ping": "ping reach",
    "traceroute": "traceroute trace tracert",
    "generate": "generate collect gather create get produce pull need fetch",
    "set": "set enable disable open close allow grant permit revoke let turn activate deactivate give stop block end",
    "wait": "wait follow watch notify monitor poll",
}  # fmt: skip

# What is to be done -> phrases that say it, and how surely.
ORDERS: tuple[tuple[float, str, str], ...] = (
    (1.0, "create", "set/bring/stand/hook/spin up, roll out, i/we need a/another/one new/more, need a/another, bring .. under management, new .. has arrived, hang in, put in place, brand new"),
    (0.55, "create", "new, another, additional, second"),
    (0.8, "create", "i/we want/need/require/would_like a/an/one"),
    (1.0, "assign", "back .. up, backs up, start/begin protecting/backing, start protection of/for, put .. under, put .. on/into .. policy/schedule/plan/backup, get .. into .. backup/policy/protection, include .. in .. backup/policy, add .. to .. backup/policy/schedule/plan, attach .. policy, get/have/want .. protected/covered/backed_up, use .. policy for, must get into, should be protected/backed, must be protected/backed, needs to be protected/backed, needs protection/backup/backups, want .. protected, needs a policy/backup/job"),
    (1.2, "group", "put/bring/pull .. into/in a/one/new .. group, into/in a/one/some .. group, new .. group, set up .. group, a/one group with, a/one group of, a/one group for, group that, group which, one group, as a group, together, make/create/build/form/open a/one/new .. group, as one unit/group, one unit"),
    (0.8, "update", "should/must/shall/has_to/needs_to be/get/have/use/point/become/run, instead of, from now on, got a new, got new, has a new, is/are/has/have .. wrong, wrong, new address/ip/name/schedule/password/login/account, moved to, changed, rotated, must use, should use, must point, needs .. different, has to use, should start/happen/run, only keep, make it, turn .. into, a different, per day, twice"),
    (1.3, "expiry", "protect/secure/guard/safeguard .. from/against deletion/deleting/ransomware/being/tampering/removal, protected from/against deletion"),
    (1.0, "rename", "rename, relabel, should be called, call it, be called, new/different name, give .. name, change .. name"),
    (1.0, "expiry", "live/stay/remain/last/survive .. until/till/for/longer, keep/hold/retain .. longer/until/till/for/forever/through/another, legal hold, on hold until, make .. immutable, immutable, immutability, worm, undeletable, tamper proof, not be deleted, cannot/not .. delete/deleted/vanish/disappear/expire/lost, guard/secure/safe .. from/against deletion/deleting/ransomware/being/tampering, from deletion, expire/expires earlier/later/sooner/today/tomorrow/in/on/next, later/earlier expiry, expiry/expiration/lock .. forward/back/later/earlier/to, move .. expiry/expiration, set .. expiry/expiration/lock, longer retention, more days/weeks/months, weeks/days/months longer, lock .. until/for"),
    (1.4, "members", "add/include/move .. to/into/in .. group, put .. into/in the/our/existing .. group, remove/take/kick/drop/exclude/delete/throw .. out/from .. group, join .. group, member .. add/remove, has to join, must join, belongs in/into .. group, in the group too, also .. group, leave .. group, should be in .. group, more .. to .. group, one more"),
    (1.0, "login", "password/login/credential/credentials/account .. changed/rotated/expired/new/different/reset/update, change/update/replace/new/rotate/set/enter/renew .. password/login/credential/credentials/account, sa password, service account"),
    (1.0, "replace", "complete/full/whole/entire .. definition, from scratch, completely rewrite, put .. definition, redo .. completely, whole definition, replace .. entirely/completely/definition"),
    (1.0, "delete", "is/are/was/were/being retired/decommissioned/scrapped/replaced, take it/them out, deletion of, removal of, get rid of, tear .. down, throw .. away/out, clean/clear/sweep up, take .. out of the system/service/backup/management, no longer needed/need/required/used, not needed/required any more/anymore, not needed anymore, do not need .. any more/anymore/longer, is obsolete, away with, can go, take .. policy/backup/protection off/away, free up space, we sold, is sold, been replaced, phase out"),
    (1.3, "unassign", "stop protecting/protection .. for_good/permanently/forever, end protection"),
    (1.0, "unassign", "stop protecting/backing, no longer be backed/protected, no longer be, not be backed up anymore/any, take .. off/out of .. policy/backup, remove .. from .. backup/backups/policy, remove/detach/unassign/take .. policy .. from, unprotect, end .. protection, no more backups, no more protection, not .. protected anymore, protection .. for good, without deleting .. backups, keep existing, existing .. stay, remove .. protection, decommissioned"),
    (1.0, "restore", "roll/bring/get/put/fetch/win/wind/go .. back, back to, as it was, to the state, to/from/before the state, copy .. from .. backup/snapshot, out of .. backup/snapshot, from/with .. backup/snapshot/recovery_point/restore_point, from a/the/last/latest/yesterday .. copy, instant recovery, fail .. back/over, spin up .. copy/clone, copy of .. to/as/into/next/on, next to the original, bare metal, how to get .. again, need .. back, under a/another/different new/other/different name, under another/different name, to a point in time, get .. out, point in time restore/recovery, granular/instant/item_level/file_level/full recovery/restore, recovery of, restore of, restoration, to another/different/the .. cluster/host/instance/vcenter, as of"),
    (0.7, "restore", "accidentally/mistakenly deleted, user/users/somebody/someone/he/she/colleague lost, has lost, by accident, deleted by, was deleted, got deleted, were deleted, deleted a/the/his/her, deleted my, corrupt, corrupted, encrypted, ransomware hit, infected, damaged, overwritten, lost a/the/his/her, is lost, is gone, are gone, disappeared, will not boot, does not boot, blew away, messed up, destroyed, deleted important, broken after, is dead, failed upgrade, bad patch"),
    (0.9, "recover", "lost, is lost, destroyed, beyond repair, died, is dead, is gone, replacement, identity, was deleted, crashed, corrupt, from scratch, new appliance"),
    (1.0, "run", "run/start/kick/fire .. now, right now, right away, immediately, immediate, kick .. off, on demand, ad hoc, adhoc, out of schedule, out of band, off schedule, by hand, manually, back .. up now, take/make/do/create/perform/start a/an/another/one/new/fresh/manual/extra/full/quick backup, take/make/do/create/perform/start an/a new/extra/additional/immediate/fresh/manual/full/quick backup, take/do backup, need/want/get a/an/one backup, take/make/do .. recovery/restore point, backup .. now/today/first/before, backup before, unscheduled, extra backup/copy/recovery/restore, fresh backup/copy/recovery/restore, another backup/recovery/restore, without waiting, rerun, run it again, retry, one off, asap"),
    (1.0, "take", "take/make/create/do/shoot .. snapshot/snap, snapshot .. now, snapshot before, quick/fresh/manual/immediate/ad_hoc .. snapshot/snap, need .. snapshot"),
    (1.0, "upload", "snapshot .. to/into .. store/cloud/repository/target/vault, copy/send/upload/transfer/push/convert .. snapshot, backup/back up .. from/of .. snapshot, back up .. group, backup of .. snapshot, existing snapshot, create/take/make/do a/an/another backup"),
    (1.0, "suspend", "put .. on hold, on hold, no backup/backups/snapshots/protection .. during/while/tonight/until/on/this/over, hold .. backup/backups/protection/job/jobs/schedule/schedules/off, do not run, should not run, must not run, not run, switch/turn .. off, switch/turn off, maintenance window, freeze .. backup/backups/job, for now, for the weekend, temporarily, until further notice, till then, for the time being"),
    (1.2, "resume", "start/begin/continue protecting/protection .. again"),
    (1.0, "resume", "go on, go ahead again, carry on, run again, start .. again, starts again, back on, run .. again/normally, normally again, switch/turn .. on, on again, un pause, lift .. pause/suspension/hold, let .. run/continue, back to normal, is over, are over, work is done, maintenance is done/over/finished, maintenance finished, maintenance .. over/done/finished, re enable, re activate, normal schedule, as usual, take up again, pick up again"),
    (1.0, "restart", "power cycle, power cycling, hangs, is hanging, is frozen, is stuck, needs a reboot/restart/bounce, a reboot, a restart, does not respond, not responding, unresponsive"),
    (1.0, "shutdown", "shut .. down, power/turn/switch .. off, power/turn/switch .. down, power/turn/switch off/down, shut down, power off, take .. offline, bring .. down, take .. down, go down"),
    (1.0, "power", "power/turn/switch/boot/bring .. on, power/turn/switch/boot/start/bring .. up, power/turn/switch/boot up/on, power on, back online, is off, is powered off, is turned off, is switched off, is shut down, was shut down, start it, start .. again, back up again"),
    (1.0, "refresh", "look/search/scan/read/check .. again, re evaluate, re evaluates, re scan, re discover, re read, re sync, not show/shown/listed/visible/appear/there/found/see/in the list, not .. show/shown/listed/visible/appear, do_not/can_not/cannot see, does not see, does_not/do_not show/see/appear/list, still shows/showing, looks/look stale/old/outdated/wrong, is stale, is outdated, out of date, find/pick/detect/see/discover .. new/newly, picked up, pick up, up to date, update .. view/inventory/list/state/status/information/info, current state from, missing from the list, is missing in, reload, latest state, renew"),
    (1.0, "attach", "let .. host .. read/access/see, make .. available/visible/accessible to/on/for, give .. host .. access, over/via iscsi, on a host, to a host, to the host, look into .. backup, browse .. backup"),
    (1.0, "detach", "remove .. mounted/attached, take .. mount/mounted/attached, done with .. mounted/mount/attached, un mount, un present, take .. off .. host, away from .. host, take .. from .. host, from its host, from the host, from host"),
    (1.0, "reattach", "hang .. to, tie .. to, move .. store .. to, link .. to, re attach, re connect, connect .. to another/new/different, to another gateway, to a new gateway, to the new gateway, to a different gateway, new gateway, is/shows/are disconnected, disconnected .. store, other/another gateway, adopt"),
    (1.0, "resize", "more/less/additional/extra/double cpu/cpus/ram/memory/storage/disk/space/capacity/vcpu/vcpus/core/cores/tb/tib/room/power, is too small, is too slow, add .. storage/cpu/ram/memory/capacity/tb/tib, scale up, beef up, give .. more, bigger, needs more, too little, gb of ram, gb ram, vcpus"),
    (1.0, "size", "how big/large .. must/should/need/needs/has/have, how much .. cpu/ram/storage/memory .. need/needs/require, how many cpu/cpus/cores/vcpus, what hardware, which hardware, what size, which size, what .. specs/spec/resources/requirements, big enough, sized, can .. take/handle/cope/hold/host/carry .. more/another/additional/extra, is/are .. sufficient/enough for, cope with, requirements for, what would .. need, handle .. more/another/load, sizing"),
    (1.0, "check", "dry run, pre check, test whether/if, test .. restore/restorability/recovery, check whether/if .. restore/restored, would .. work/restore/succeed, could .. be restored, can .. be restored, just validate, only validate, without changing, without doing, before .. restore, try out, restorable, what would prevent, what stands in the way, feasible, possible to restore, restore .. possible"),
    (1.0, "ping", "can .. reach, reachable, reach .., connectivity, does .. answer/respond, answers, responds, network connection to, connection to, see if .. answers, talk to"),
    (1.0, "traceroute", "trace route, which route/path/hops, network path, hops, route from, path from, route to, where .. get stuck, where packets"),
    (1.0, "support", "support bundle"),
    (1.0, "wait", "tell/inform/ping/alert me when/once, let me know when/once, wait for/until/till, until .. done/finished/ends/complete/completes/over, when .. is done/finished/ready/complete, stay on, keep an eye, keep watching, follow .. end, block until, come back when, once .. is finished/done/complete, report back, notify me, finished yet, hold on until"),
    (1.1, "plan", "in one go, at one go, all at once, at once, in bulk, bulk, in a batch, batch, one confirmation, one consent, single consent, single confirmation, one approval, single approval, hundreds/dozens/thousands of, confirm once, one approval for all, mass, with one code, one by one confirm, in one step, in a single step, together with one, without asking each, each separately, every single one of"),
)  # fmt: skip

# Words of a question that say it wants one thing in detail, or an overview.
SPEECH = {
    "one": "detail, details, detailed, this, that, one, specific, particular, single, exactly, how far is/along, full text, in full, which .. belongs to, inside, contents",
    "many": "how much, how far back, newest, latest, most recent, last backed up, do/have we/i .. have/got, which, all, any, list, every, each, how many, overview, are there, is there, do we have, exist, exists, available, everything, our, whose, who, find, count, summary, report, id of, uuid of, called, named, do i have, have we, we have, across",
    "asks": "i/we need/want the/a/an .. id/ids/list/name/names/detail/overview/report/status/version/address, do we, do i, do they, do you, have we, give me, find me, look up, look at, find out, find all, find any, let me see, let me know which, since/until/till/from/by when, at what, for how long, in which, for which, on which, at which, to which, from which, of which, need a list, i need the list, need to know, want to know, want to see, need to see, id of, the id of, uuid of, curious",
    "named": "id of, uuid of, ids of, id for, uuid for, called, named, whose name, the name of, resource id, look up .. id, what .. id",
    "wish": "need, needs, want, wants, must, should, shall, please, pls, plz, would like, has to, have to, can you, could you, lets, going to, be so kind, kindly, time to, how do i, how can i, how to",
}  # fmt: skip
ASKS = frozenset([
    "which", "what", "when", "where", "who", "whose", "why", "how", "is", "are", "was", "were", "does", "did",
    "has", "any", "until", "since", "list", "show", "display", "tell", "view", "see", "count", "report",
    "compare", "overview", "status", "detail", "details", "describe", "gimme",
])  # fmt: skip
SINGLE = frozenset([
    "this", "that", "one", "single", "specific", "particular", "its", "current", "existing",
])  # fmt: skip  # before a thing: one is meant
# A thing -> what it consists of or is said about it; asked of one such thing, the thing is meant.
HAS = {
    "vm": "disk nic policy network cluster esx vm_group job host", "datastore": "policy host esx cluster volume job server", "database": "ag policy job instance app_host host",
    "instance": "ag", "vm_group": "vm policy job datastore tag", "sql_group": "database policy job instance", "volume_group": "volume policy job host", "gateway": "nic network store datastore setting server",
    "policy": "job store", "job": "policy", "store": "gateway storeonce location", "storeonce": "orchestrator store", "orchestrator": "network setting server", "app_host": "vm server cluster",
    "task": "vm", "issue": "gateway store", "approval": "",
}  # fmt: skip
# What is to be done -> the thing that it is done to, if nothing better is named.
IMPLIES = {
    "assign": ("job", 1.2), "unassign": ("job", 1.2), "run": ("job", 1.1), "suspend": ("job", 1.1), "resume": ("job", 1.1), "restore": ("vm", 0.6), "wait": ("task", 1.1),
    "size": ("gateway", 0.7), "ping": ("gateway", 0.7), "traceroute": ("gateway", 0.8), "remote": ("gateway", 0.3), "console": ("gateway", 0.5), "totp": ("orchestrator", 0.5), "support": ("gateway", 0.3),
    "check": ("vm_group", 0.5), "login": ("app_host", 0.5), "reattach": ("store", 0.5), "attach": ("volume_group", 0.5), "detach": ("volume_group", 0.5), "take": ("volume_group", 0.3), "upload": ("volume_group", 0.3),
    "resize": ("gateway", 0.4), "group": ("vm_group", 0.7), "members": ("vm_group", 0.4),
}  # fmt: skip
# A container and what is found again by looking at it, innermost first.
INSIDE = (("database", "instance"), ("database", "app_host"), ("instance", "app_host"), ("vm", "vm_group"))
INSTEAD = {
    "job": ("gateway", "orchestrator", "storeonce", "store"),
    "task": ("approval",),
}  # named, they are meant and not the thing implied
STOP = frozenset([
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "from", "by", "with", "and", "or", "is", "are",
    "was", "were", "be", "been", "do", "does", "did", "done", "has", "have", "had", "it", "its", "this", "that",
    "these", "those", "there", "their", "our", "my", "we", "i", "you", "your", "us", "me", "he", "she", "they",
    "them", "all", "any", "some", "each", "every", "which", "what", "who", "whose", "where", "when", "why",
    "how", "many", "much", "can", "could", "would", "should", "will", "may", "might", "must", "please", "need",
    "want", "like", "now", "right", "currently", "today", "tonight", "yesterday", "last", "still", "yet",
    "also", "so", "not", "no", "than", "then", "as", "into", "onto", "out", "up", "down", "about", "via",
    "using", "off", "one", "single", "hpe", "greenlake", "called", "named", "name", "id", "just", "only",
    "really", "own", "already", "next", "other", "another", "more", "most", "s", "t", "if", "whether", "until",
    "since", "again", "after", "before", "longer", "ever", "both", "current", "given", "get", "show", "list",
    "give", "tell", "find", "pls",
])  # fmt: skip
