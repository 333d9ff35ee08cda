# ruff: noqa: E501  (a table reads by its rows)
"""TABLE of words: what people of the field say for the things of this service, and for what one does to them.

A row is `kind meaning weight: verbs | phrase, phrase`; its weight is how surely they mean it, 1 where none stands. The
language of the phrases is that of phrases.py.
"""

WORDS = """
# What a tool works on. The longest phrase that matches takes its words from the others.
noun bare: neither .. policy/backup/protection nor .. policy/backup/protection/snapshot/copy/recovery_point/restore_point, no/without/lack/lacks/lacking/missing/have_any policy/backup/protection/job/plan/schedule/sla/snapshot, never/not/not_being backed up, not protected/covered, nobody/no_one protects/covers/backs_up, unprotected, lapsed, no/without/lack/lacks/lacking/missing/any single/valid/recent/current policy/backup/protection/snapshot, no/without/lack/lacks/lacking/missing/any backup/protection policy/job/plan/schedule/sla
noun vm: virtual machine, vm, virtual server/guest, guest/linux/windows vm, guest machine, guest, machine, workload, virtuals, box
noun vm_group: vm/virtual_machine protection group, vm/virtual_machine group, vmpg, dynamic group/protection_group
noun sql_group: mssql/sql/database/db/availability/sql_server protection group, sql/database/db/mssql/sql_server group
noun volume_group: volume protection group, volume group/collection/set, vpg
noun group: protection group, group, farm
noun datastore: nfs/vmware datastore, datastore
noun gateway: protection store gateway, psg, backup/store/protection gateway, gateway vm/appliance, gateway, data mover, backup proxy
noun orchestrator: data orchestrator vm/appliance/guest_os/operating_system, data orchestrator, orchestrator vm/appliance, orchestrator, control vm
noun storeonce: storeonce system/appliance/box/catalyst/device/unit, store once, storeonce, catalyst, dedupe/deduplication/backup appliance
noun store: protection store, backup store/repository/target/vault/storage/library, cloud/local/on_prem/on_premises/onprem/azure/aws/archive store/repository/vault/target/tier_storage/bucket, repository, backup/cloud/object/s3/archive bucket, object store, vault, bucket, store
noun location: storage/cloud location, cloud/azure/aws/google region, region, hyperscaler
noun app_host: application/app/agent host, sql/mssql/database/db host/machine/node, windows/sql cluster, windows host/server/machine, sql server host/machine/vm/node
noun instance: sql/sql_server/mssql/database_server version/edition, sql server instance, sql/mssql/database/db instance, instance
noun database: sql/ms_sql/microsoft_sql/sql_server/mssql database/db, mssql, database, db, sql server, sql
noun ag: availability group, always on, ag
noun vcenter: vcenter, vcsa, hypervisor manager
noun cluster: esxi/esx/vmware/vsphere/hypervisor/compute cluster, cluster
noun esx: esxi/esx/hypervisor/vmware host/server/node, esxi, esx, hypervisor
noun pool: resource pool, pool
noun tag: vsphere/vmware/vcenter tag, tag
noun folder: vm/vsphere/vcenter/inventory/manager folder
noun nic: network interface/adapter/card/port, nic, vnic, interface, eth0, eth1, eth2, adapter
noun network: port group, portgroup, vlan, vswitch, vm network, networks
noun volume: array/storage/san/block/alletra/primera/nimble volume/lun, volume, lun
noun file: single file/folder, file, document, directory, spreadsheet, granular, config file
noun disk: virtual/hard/data/second/single/os/system disk/drive, vmdk, disk, drive, vhd
noun job: protection/backup/snapshot job, backup/protection/snapshot schedule/run/window, job
noun policy: protection/backup/snapshot/retention/data_protection policy/template/plan/rule/sla, service level agreement, sla domain, sla, policy, template, gold, silver, bronze, platinum
noun setting: do .. need/require .. second/two/another person/people/approver/approval/admin, dual auth/authorization/authorisation, four/4 eye, two person, two person rule/approval/integrity, workspace/global/tenant/service setting, setting, multi admin verification
noun approval: dual auth/authorization/authorisation request/operation, approval request, approval, approver, sign off, second/other/another person/approver/admin/administrator/pair_of_eye, pending deletion/approval
noun issue: alert, alarm, warning, incident, issue, recommendation
noun task: running job/backup/restore/task/operation, job/backup/restore .. running/in_progress/under_way, task, operation, async/asynchronous/background operation, backup/restore task, which/what/all/any/list/show restores, restores .. ran/run/done, activity, progress of .. restore/backup
noun copy: which/what point_in_time/points_in_time, how far back, last backed up, recovery/restore point, recoverypoint, restorepoint, rp, backup copy/image, copy, image
noun snapshot: array/storage/local/hardware snapshot/snap, snapshot, snap
noun backup: cloud/local/full/log/offsite/on_prem/on_premises backup, offsite/cloud/vaulted copy/restore_point/recovery_point, backup
# What parts of a name give away ("psg-02"), besides the nouns above.
name gateway: gw
name orchestrator: do, orch
name storeonce: so
name datastore: ds
name volume_group: vg, vol
name vm: dc, srv, web, db
name app_host 0.5: win, sqlhost, host
name database 0.45: sql, mssql
name vcenter: vc
# What only hints at a thing.
hint vm 0.75: coverage, powered off
hint vm 0.5: server, power state, exchange, linux, file/print/web/app/mail server, fileserver, domain controller, workload, ransomware, encrypted
hint job 0.9: fail, succeed, success rate, last night, tonight, overnight, rpo, overdue, missed, next/last run, next backup, last successful, get backed up, not run/ran, suspended, paused, on hold, red, green, late, 24 hours, schedules, scheduled, due
hint store 0.6: where .. stored/kept/live, capacity, terabyte, tb, full, space, room, consume, eat, backup storage, running out, cost
hint policy 0.7: retention, how long .. keep/retain, schedule, tier, every hour/day, every .. hour, frequency, interval
hint gateway 0.5: dns, ntp, proxy, cpu, ram, memory, ping, traceroute, hops
hint database 0.5: point in time restore/recovery, transaction/tail log, log backup, recovery model, dba, norecovery
hint task 0.9: going on, happening, what ran, ran in/since, last/past hour, system .. doing, in progress, under way, running right_now/now, currently running, is running, still running, who did, what happened, history, what was done, percent, progress, how far is/along
hint issue 0.7: attention, critical, severity, trouble, problem, unhealthy, broken
hint approval 0.8: approve, wait for .. person, pending_delete_approval, pending deletion
hint location 1.0: where can/could, can/could .. located/placed
hint folder 1.2: which/what folder
hint folder 0.85: folder id, folder .. vcenter, vcenter .. folder, folders
hint file 0.8: folder, document
hint backup 0.6: cloud, offsite, off site, store, immutable, worm, long term, legal hold
# What is to be done, by verbs (how surely a verb orders depends on where it stands) and by phrases.
order create: create make define add register deploy install build connect onboard provision enroll establish introduce prepare integrate open set new another additional | set/bring/stand/hook/spin up, roll out, i/we need another/new/more, brand new
order create 0.8: i/we want/need/require/would_like .. <store>/<policy>/<gateway>, need new, second
order assign: assign apply protect secure safeguard cover backup enable | back/backing .. up, start/begin protecting/backing, put .. under, put .. on/into .. <policy>/schedule/plan/backup, get .. into .. backup/<policy>/protection, include .. in .. backup/<policy>, add .. to .. backup/<policy>/schedule/plan, attach .. <policy>, get/have/want .. protected/covered/backed_up, must get into, should/must be protected/backed, need to_be/to_get protected/backed, need protection/backup/policy/job
order bundle: group bundle combine gather collect pool |
order bundle 1.2: put/bring/pull .. into/in one/new/a .. <group>, in/into one/some/a .. <group>, new .. <group>, set up .. <group>, one/a group with/of/for, group that/which, one group, as group, together, make/create/build/form/open one/new/a .. <group>, one unit
order update: update change modify edit alter adjust set configure correct rename relabel fix point assign give amend increase reduce lower raise tweak reconfigure replace rotate |
order update 0.8: should/must/shall/has_to/needs_to be/get/have/use/point/become/run, instead of, from now on, have/got new, is/has .. wrong, wrong, new address/ip/name/schedule/password/login/account, moved, changed, rotated, should start/happen/run, different
order rename: rename, relabel, should be called, be called, new/different name
order expiry: extend prolong shorten lengthen lock unlock keep hold retain preserve postpone expire freeze age | live/stay/remain/last/survive .. until/till/for/longer, keep/hold/retain .. longer/until/till/for/forever/through/another, legal hold, make .. immutable, immutable, immutability, worm, not .. delete/vanish/disappear/expire/lost, from deletion, expire earlier/later/sooner/today/tomorrow/in/on/next, expiry/expiration/lock .. forward/back/later/earlier/to, move/set .. expiry/expiration/lock, longer retention, weeks/days/months longer, lock .. until/for, retention lock, put .. lock, protect/secure/guard/safeguard .. from/against deletion/deleting/ransomware/being/tampering/removal
order members: add include exclude remove join kick drop move take put |
order members 1.4: add/include/move .. to/into/in .. <group>, remove/take/kick/drop/exclude/delete/throw .. out/from .. <group>, join .. <group>, has to join, belong in/into .. <group>, also .. <group>, leave .. <group>, should be in .. <group>, more .. to .. <group>, one more
order login: password/login/credential/account .. changed/rotated/expired/new/different/reset/update, sa password, service account, change/update/replace/new/rotate/set/enter/renew .. password/login/credential/account
order replace: replace overwrite rewrite redefine | complete/full/whole/entire .. definition, put .. definition, replace .. entirely/completely
order delete: delete remove drop purge erase destroy wipe unregister dissolve disband decommission discard trash scrap kill nuke deregister retire unassign unprotect prune clear eliminate dispose disconnect | is/are/was/were/being retired/decommissioned/scrapped/replaced, take it/them out, deletion/removal of, get rid of, tear .. down, throw .. away/out, clean/clear/sweep up, take .. out of system/service/backup/management, no longer need/required/used, not need .. any_more/anymore/longer, is obsolete, away with, can go, take .. policy/backup/protection off/away
order unassign: unprotect | end .. protection, stop protecting/backing, no longer be, take .. off/out_of .. <policy>/backup, remove .. from .. backup/policy, remove/detach/unassign/take .. <policy> .. from, no more backups/protection, not .. protected/backed_up any/anymore, keep existing, existing .. stay, remove protection, decommissioned
order unassign 1.5: stop protecting/protection .. for_good/permanently/forever, end protection
order restore: restore recover revert rollback undelete retrieve rewind resurrect clone fetch extract failover reinstate salvage rescue return pull overwrite | roll/bring/get/put/fetch/win/wind/go/take/turn .. back, back to, as it was, as of, to/from/before the state, copy .. from .. backup/snapshot, out_of/from/with .. backup/snapshot/recovery_point/restore_point, instant recovery, fail .. back/over, copy of .. to/as/into/next/on, next to original, bare metal, how to get .. again, need .. back, under .. name, to point in time, get .. out, point in time restore/recovery, granular/instant/item_level/file_level/full recovery/restore, recovery/restore of, restoration, to another/different/the .. cluster/host/instance/vcenter
order restore 0.7: accidentally/mistakenly deleted, user/somebody/someone/he/she/colleague lost, deleted by, deleted, corrupt, encrypted, ransomware, infected, damaged, overwritten, is/are lost/gone, disappeared, not boot, destroyed, is dead, bad data
order recover: recover rebuild restore reinstate transfer reinstall migrate |
order recover 0.9: lost, is lost/dead/gone, destroyed, beyond repair, die, replacement, identity, was deleted, crashed, corrupt, burn
order run: run trigger start launch execute force fire | run/start/kick/fire .. now, right now, right away, immediately, immediate, kick .. off, on demand, ad hoc, by hand, manually, back .. up now, take/make/do/create/perform/start/get/want a/an/one/another/new/fresh/manual/extra/full/quick/additional/immediate .. backup, need/want/get backup, take/do backup, take/make/do .. recovery/restore_point, backup .. now/today/first, backup before, extra/fresh/another backup/copy/recovery/restore, without waiting, rerun, retry, asap
order take: take make create snapshot snap trigger | take/make/create/do/shoot .. snapshot/snap, snapshot .. now, quick/fresh/manual/immediate/ad_hoc .. snapshot/snap, need .. snapshot
order upload: copy send upload transfer archive export backup push | snapshot .. to/into .. store/cloud/repository/target/vault, copy/send/upload/transfer/push/convert .. snapshot, backup/back_up .. from/of .. snapshot, back up .. <group>, backup of .. snapshot, existing snapshot
order suspend: suspend pause stop halt freeze hold disable interrupt skip deactivate | put .. on hold, on hold, no backup/snapshots/protection .. during/while/tonight/until/on/this/over, hold .. backup/protection/job/schedule/off, not run, not back .. up, switch/turn .. off, maintenance window, freeze .. backup/job, for now, for weekend, temporarily
order resume: resume unpause continue reactivate reenable unfreeze unsuspend restart enable start | go on, carry on, run/start .. again, back on, run .. normally, normally again, switch/turn .. on, on again, lift .. pause/suspension/hold, let .. run/continue, back to normal, is over, work/maintenance is done/finished/over, normal schedule, as usual, start/begin/continue protecting/protection .. again
order restart: restart reboot bounce reset cycle | power cycle, hangs, is hanging, is stuck, needs reboot/restart/bounce, not respond/react, unresponsive
order shutdown: shutdown stop poweroff halt | shut/bring/take/go .. down, power/turn/switch .. off/down, take .. offline
order power: start boot poweron wake | power/turn/switch/boot/bring .. on, power/turn/switch/boot/start/bring .. up, start it, is off, start .. again
order refresh: refresh reevaluate rediscover rescan discover resync synchronize sync reread reload scan detect poll reinventory update | look/search/scan/read/check .. again, re evaluate/scan/discover/read/sync, not show/listed/visible/appear/there/found/see/in_list, not .. show/listed/visible/appear/see, cannot see, look stale/old/outdated/wrong, is stale/outdated, out of date, up to date, find/pick/detect/see/discover .. new/newly, pick up, update .. view/inventory/list/state/status/information/info
order attach: attach mount present expose map export | let .. host .. read/access/see, make .. available/visible/accessible to/on/for, give .. host .. access, over/via iscsi, on/to a/the/_host host, look into .. backup, browse .. backup
order detach: detach unmount dismount unmap unpresent disconnect remove release | remove .. mounted/attached, take .. mount/attached, done with .. mount/attached, take .. off .. host, away from .. host, from host
order reattach: reattach reconnect attach rebind relink connect move | hang/tie/link .. to, move .. store .. to, connect .. to another/new/different, to another/new/different gateway, new gateway, is/show disconnected, disconnected .. store, other/another gateway, connect .. store .. to
order resize: resize grow expand enlarge increase upgrade scale extend bump give add | more/less/additional/extra/double cpu/ram/memory/storage/disk/space/capacity/vcpu/core/tb/tib/room/power, is too small/slow, short on, scale/beef up, bigger, needs more, add .. storage/cpu/ram/memory/capacity/tb/tib, give .. more
order size: size calculate estimate compute dimension sizing plan | how big/large .. must/should/need/have, what/which hardware/size, how much .. cpu/ram/storage/memory .. need/require, how many cpu/core/vcpu, what .. spec/resource/requirement, big enough, can .. take/handle/cope/hold/host/carry .. more/another/additional/extra, is .. sufficient/enough for, cope with, handle .. more/another/load
order check: validate verify simulate rehearse | dry run, precheck, restore check/test/readiness, test whether/if, test .. restore/restorability/recovery, would .. work/restore/succeed, could/can .. be restored, just/only validate, without changing/doing/touching, restorable, feasible
order ping: ping reach | can .. reach, reachable, connectivity, do .. answer/respond, answer, respond, network connection to, connection to
order traceroute: traceroute trace tracert | trace route, which route/path/hops, network path, hops, route/path from/to
order generate: generate collect gather create get produce pull need fetch |
order set: set enable disable open close allow grant permit revoke let turn activate deactivate give stop block end |
order support: support/log/diagnostic bundle/log/file/package/dump/archive/data, diagnostic, diagnostics, bundle, log of/from/for/off, the logs, collect/gather/grab/pull .. logs, want/need logs
order totp: one/1 time login/console/access/pass code/password/passcode, one/1 time code/password/passcode/login/token/pin, otp, totp, login/access code, short lived code
order console: console user/login/password/credential/account, console .. user/password/credential, password/credential/login/user of/for/to/on .. console, log/sign in/into/on/on_to .. console, gateway password/credential
order remote: remote support/access/session/assistance/login/tunnel, support access/session/tunnel, support .. remote/remotely, remote .. support, let/allow hpe/support .. in/into/on, remotely, support/hpe engineer, engineer .. access
order wait: wait follow watch notify monitor poll | tell/inform/ping/alert me when/once/as, let me know when/once, wait for/until/till, until .. done/finished/complete/over, when .. is done/finished/ready/complete, keep watching, follow .. end, once .. is finished/done/complete, report back, notify me
order plan 1.1: in one/single/a go/batch/step, at one go, all at once, at once, in bulk, bulk, batch, one/single confirmation/consent/approval, hundreds/dozens/thousands of
# Questions over the whole estate, or for the standing of one asset: how one asks tells the tool.
estate check_health: morning check/status/report, wrong/broken this morning, health check, what wrong/broken, anything .. act on, need .. attention, overall state/status/health, everything ok/fine/alright/green/healthy, last night go, how did .. last_night/night/it go, root cause, why .. so many, failing at once, everything fail, state/health of backup, how are/do backups, how healthy, problems .. go away, what do/should i .. today, anything wrong/broken, any problems with, problems/failures by cause, summarize .. problems, is backup .. good/ok/fine, good shape
estate check_health 0.6: this morning, good morning, failure mails, what can i ignore, who has to fix, to act, stand up, in few lines, overnight, short status
estate check_protection: not backed up, not being backed, not protected, find unprotected, unprotected, ransomware proof/ready/readiness, survive/withstand .. ransomware, miss .. rpo/recovery_point_objective, rpo .. missed/violated, out of rpo, violate .. rpo/recovery_point_objective, older than .. hour/day, ~3-2-1-1-0, immutable, immutability .. everywhere, test restore, restore test, never .. tested/restored, no/without .. offsite, no/without off site, offsite/off_site copy, last remaining, only .. one copy, actually .. verify, been verified, look green, can not .. be restored, not restorable, dropped out, fell out of, policy say/stay .. copy, actual copies, percentage/percent/share .. covered/protected/backed_up, covered by backups, coverage of backup, same place/site as, proof, auditor, audit, compliance, evidence, no/without .. policy, not have .. policy, not covered, nobody back/protect, no recovery point, have no backup, without .. backup, no locked, is everything/all .. backed_up/protected/covered/verified/locked, how many .. covered/protected/unprotected
estate check_protection 0.5: every .. asset, whole estate, estate, everywhere, which of, which/any assets/machines/workloads/vms/servers/databases, systems, everything whose
estate describe_asset 1.2: status of/_for ~, backup status ~, is ~ .. protected/safe/ok/covered/backed, about ~, status ~, how is ~, why is ~, why did .. backup .. ~, why is the .. not, when was ~ .. backed up, when was the .. backed up, last backed up, what policy is on ~, policy is on ~, what protects ~, how many copies do we have of, copies of ~, protection of ~, ~ keeps, system is safe, his/her system, what do i tell, everything about ~, can ~ be recovered/restored, is ~ recoverable/restorable, backup status
estate describe_asset 0.5: keeping up with, is it keeping, the owner of ~, as unprotected
estate show_dependents 1.3: what would/do we lose, what would be lost, what happen if/when, if .. die/fail/burn/is_lost/is_gone/break/go_down/go_away/went_down, depend on, blast radius, who/what use, which job/policy/asset/vm/machine use, uses the .. policy, take .. down for, down for maintenance, wipes every/all, attacker, what is left, what survives, what stops, stops being, only copy there, back up to the, backed up to the, what hang on, if i/we delete/lose/decommission, losing the, impact of, who is affected, might decommission
estate show_changes 1.3: what/who .. change/alter .. since, what changed, what has changed, anything changed, changes since, changed since, what is new since, what happened .. last/since, did anyone/someone/anybody/somebody .. shorten/switch/change/delete/disable/weaken/turn, new vm/machine/asset/server since, since last, on vacation/holiday, meanwhile, happened .. to the backups, been suspended .. or, suspended or, deleted this month/week/year, has .. grown, grown since, growth of, shortened, weakened, switched off, gone too early, deleted too early, too early, disappeared, vanished
estate query_catalog 1.4: top 5/10/20/50/100, biggest/largest .. by, total .. per, per policy and, grouped by, split by, sorted .. first, sorted by, avg/average .. by/per, per month/months of, number of .. per, sum of .. per/by, count .. per, how many copies .. per, how many .. by, distribution of, join, ranked by, per .. and month
estate find_recovery_points 1.5: can/could i/we get .. back, get .. back, last clean copy, before the encryption, before .. encrypted, closest/nearest restore/recovery_point, closest/nearest .. to, which .. copy .. restore_from/go_back, which copy .. can/could/should, could/can/should i/we restore from, best restore/recovery point, newest .. backup .. before, before that, latest .. before, which recovery/restore_point should/can/could/do, from when can
# How it is said: of one or of many, as a question or as a wish, or only to learn a name.
manner one: detail, this, one, specific, particular, single, exactly, how far is/along, full text, which .. belong to, inside
manner many: how much, how far back, newest, latest, most recent, last backed up, do/have we/i .. have/got, which, all, any, list, every, each, how many, overview, are there, is there, do we have, exist, available, everything, whose, who, find, count, summary, report, id/uuid of, called, named, have we, we have, across
manner asks: which/what/when/where/who/whose/why/how/is/are/was/were/does/did/has/any/until/since/list/show/display/tell/view/see/count/report/compare/overview/status/detail/details/describe/gimme, backup status/state/report, if/suppose .. what/which/who, i/we need/want the/a/an/_ .. id/list/name/detail/overview/report/status/version/address, do we/i/they/you, have we, give/find me, look up/at, find out/all/any, let me see, let me know which, since/until/till/from/by when, at what, for how long, in/for/on/at/to/from/of which, need a list, need/want to know/see, id/ids/uuid of
manner named: id/ids/uuid of, id for, called, named, whose name, name of, what .. id
manner wish: need, want, must, should, shall, please, pls, plz, would like, have to, can/could you, kindly, how do/can i, how to
# What an order may begin with.
polite: please/pls/hi/hello/hey/ok/okay/now/then/and/so/kindly/urgent/help, ,/:/!, can/could/would/will you/we/i/one/someone, how do/can/could/should/would/to, how do/can/could/should/would i/we/you/one, what is way to, what is best way to, i/we want/need/like/have/wish/must/should to, i/we want/need you to, i/we would like/want to, is it possible to, is there a/an/any way/option/possibility/chance to, let us, lets, help me, help me to, time to, it is time to, go ahead and, just
"""
SIGNS = "psg gw do so ds vg vol vpg web dc win srv esx vc"  # short, and no words of a question

# What is meant beside what is said: `a, b => c 1`: where both are meant; `!a`: where a is not; `*0.5`: meant less.
IMPLIED = """
copy => backup 0.9, snapshot 0.7
group/bundle, database/ag/instance => sql_group 1.2
group/bundle, volume => volume_group 1.2
group, !sql_group, !volume_group => vm_group 1
vm_group => vm *0.6, datastore *0.6
refresh, instance => instance 1, database *0.5
refresh, app_host => app_host 1, database *0.5, instance *0.5
policy, create/update/replace => run *0.5
policy, expiry/update/replace, !asset => policy 1.2, backup *0.3, snapshot *0.3
asks, job/store/policy/location/task/setting/approval, !asset => backup *0, snapshot *0
restore/assign/unassign/suspend/resume/wait => backup *0.3, snapshot *0.3
assign/unassign => job 1.2
run/suspend/resume, !gateway, !orchestrator, !storeonce, !store => job 1.1
"""

# Words that tell nothing apart; before a thing: where it is, and that one is meant; before a verb: that it orders.
STOP = """
a an the of in on at to for from by with and or is was were be do done have it its this that there their our my we us
they them all any some each every which what who where when why how many can would may now need right today last still
yet also so not no than then as into out up down about off one hpe greenlake name id just only own next other another
if whether until since again after before longer show list give tell your these those had
"""
ARTICLES = "a an the our my its his her their your"
PLACES = "on in at to into via under onto by behind over inside within through against"
SINGLES = "this that one single specific particular its current existing"
BEFORE_VERBS = ", ; : . and then to by please pls must should"
IRREGULAR = {
    "kept": "keep", "held": "hold", "taken": "take", "made": "make", "given": "give", "ran": "run", "lost": "lose",
    "got": "get", "has": "have", "had": "have", "does": "do", "are": "is", "backed": "backed", "backing": "backing",
}  # fmt: skip
