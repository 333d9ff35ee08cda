# ruff: noqa: E501, ISC004, SIM905  (a table reads by its rows)
"""TABLE of words: what backup people say -> the one word that the tools' names use; and how to read a question.

Questions and tools go through the same tables, so "PSG", "backup gateway" and "protection store gateway" are one word.
Knows English and the field. Must know nothing of single tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LATER = 0.4  # a verb that is not the first may be a remark ("... that a user deleted")
READS = ("list", "get")
PROBES = ("check", "size", "ping", "traceroute")  # reads too, but only for who asks for just that

# In order: the first phrase that matches takes its words away from the later ones.
_PHRASES = (
    # --- verbs of several words
    (r"(?:get|bring|put|roll|fetch|win)((?: [\w-]+){0,4}?) back", r"restore \1"),
    (r"get((?: [\w-]+){0,1}?) back", r"restore \1"),
    (r"get rid of|tear((?: [\w-]+){0,5}) down|tear down|throw away|clean up", r"delete \1"),
    (r"(?:switch|turn|power|boot)((?: [\w-]+){0,6}?) (?:back on|on again|on|up)", r"turn_on \1"),
    (r"(?:switch|turn|power)((?: [\w-]+){0,6}?) off", r"turn_off \1"),
    (r"shut((?: [\w-]+){0,5}?) down", r"shutdown \1"),
    (r"power(?:s|ed|ing)?[- ]on|poweron|start up", "turn_on"),
    (r"power(?:s|ed|ing)?[- ]off|poweroff|shut ?down", "shutdown"),
    (r"(?:add|include|move)((?: [\w-]+){1,6}) (?:to|in|into)((?: [\w-]+){0,4}) groups?", r"update \1 \2 group"),
    (r"add((?: [\w-]+){1,6}) to((?: [\w-]+){0,4}) polic(?:y|ies)", r"update \2 policy \1"),
    (r"(?:take|remove|exclude|drop)((?: [\w-]+){1,6}) (?:out of|from)((?: [\w-]+){0,4}) groups?", r"update \1 \2 group"),
    (r"make((?: [\w-]+){1,6}) (?:immutable|longer|shorter|undeletable)", r"update \1 lock"),
    (r"(pause|suspend|stop|resume|freeze|halt|restart|turn_on|turn_off)((?: [\w-]+){0,3}?) (?:protection|backups?|schedules?|snapshots)",
     r"\1 \2 job"),
    (r"unprotect|stop protecting|(?:remove|detach|unassign|delete)((?: [\w-]+){0,2}) policy from", r"delete \1 job"),
    (r"(?:protect|secure|safeguard)((?: [\w-]+){0,5}) (?:against|from) (?:deletion|ransomware|deleting|being deleted|change|tampering)",
     r"update \1 lock"),
    (r"protect(?= [\w ,-]+ together)", "create group"),
    (r"(?:start )?protect(?:ing)?(?= )|(?:apply|assign)(?= [\w -]+ to )", "create assign job"),
    (r"(?:start|take|make|do) (?:an? |the )?(?:on[- ]demand |ad[- ]hoc |manual )?backup(?= |$)|(?:take an? )?(?:on[- ]demand|ad[- ]hoc)", "run job"),
    (r"running (?:out|low)", "capacity"),
    (r"(?:is|are) ([\w. -]+?) (?:protected|covered|safe)", r"is \1 coverage status"),
    (r"(?:/[\w.-]+){2,}|[a-z]:\\[\w.\\-]+", "file"),
    (r"(?:an? )?(?:extra|additional|fresh|immediate|new) (?:copy|copies|backup|recovery point|restore point) of(?= (?:the |this |that )?(?:vm|virtual))",
     "run job"),
    (r"let((?: [\w-]+){0,4}) (?:run|continue)(?: again)?", r"resume \1 job"),
    (r"spin up (?:an? )?(?:copy|clone)|(?:make )?(?:an? )?clone(?= (?:of|from))|clone", "restore"),
    (r"two[- ](?:people|persons?|admin\w*|users?)|2[- ]person", "approval setting"),
    (r"backed[- ]up", "backup"),
    (r"ha(?:ve|s|ving) no (?:backup |protection )?(?:polic\w+|protection|backups?|jobs?)|unprotected|not protected"
     r"|not backup|(?:with no|without|lack(?:s|ing)?|missing) (?:an? |any )?(?:backup |protection )?(?:polic\w+|protection|backups?)",
     "coverage status"),
    (r"set up|put ((?:[\w-]+ ){1,5})into", r"create \1"),
    (r"backs? up", "back_up create job backup"),
    (r"take (?:a |an )?(?:ad[- ]hoc )?backup(?= of (?:the |this |that )?(?:vm|datastore))", "run backup"),
    (r"find (?:new|newly)|look again|search again|scan again", "refresh"),
    (r"take((?: [\w-]+){1,6}?) (?:off|out of|away)|stop protecting", r"delete remove \1 job"),
    (r"(?:keep|hold|retain)((?: [\w-]+){0,8}) (?:longer|until|till|for)\b", r"update keep \1 expiry"),
    (r"put((?: [\w-]+){0,5}) under", r"create assign \1"),
    # --- things
    (r"virtual[- _]?machines?|machines?|guests?(?![- _]os)|vms?", "vm"),
    (r"(?:protection[- _])?(?:backup |store[- _])?gateways?(?: vms?| appliances?)?|psgs?", "gateway"),
    (r"store ?once(?: (?:systems?|appliances?|catalysts?))?|catalyst", "storeonce"),
    (r"(?:data[- _])?orchestrators?(?: vms?| appliances?)?", "orchestrator"),
    (r"v ?centers?(?: servers?)?|vcsa|hypervisor[- _]managers?", "vcenter"),
    (r"(?:esxi?|hypervisor|vmware)[- _](?:hosts?|servers?)|esxi?", "esx"),
    (r"port[- ]?groups?|vlans?|vswitch(?:es)?", "network"),
    (r"(?:virtual )?(?:nics?|network (?:interface|adapter|card)s?|interfaces?)", "nic"),
    (r"(?:always ?on )?availability[- ]groups?|ags?", "database availability"),
    (r"application[- _]hosts?|(?:windows|(?:ms |microsoft )?sql(?: server)?)[- ](?:hosts?|machines?)|windows servers?",
     "application host"),
    (r"(?:ms|microsoft)?[- ]?sql(?:[- ]?servers?)? ?(?:databases?|dbs?)?|databases?|dbs?", "database"),
    (r"volume (?:collections?|sets?)|(?:application|consistency) (?:sets?|groups?)", "volume group"),
    (r"protection[- _]groups?", "group"),
    (r"(?:virtual )?(?:disks?|drives?|vmdks?)", "disk"),
    (r"(?:cloud )?storage[- _]locations?|(?:cloud |azure |aws )?regions?", "cloud location"),
    (r"(?:recovery|restore)[- _]points?(?![- ]in[- ]time)|(?:backup )?cop(?:y|ies)|(?:backup|restore) images?", "copy"),
    (r"snap(?:shot)?s?", "snapshot"),
    (r"(?:protection|backup|snapshot|retention)[- _](?:templates?|plans?|rules?)|templates?|slas?", "policy"),
    (r"backups?(?=[- ](?:polic|plan|job|store|sched|reposit|target|task|alert|appli|issue|gateway|operation)(?:s|y|ies|es|ances?|ules?|ories)?\b)", ""),
    (r"(?:protection[- _])?polic(?:y|ies)", "policy"),
    (r"(?:protection[- _])?jobs?(?= (?:are )?(?:running|in progress))|running jobs", "task"),
    (r"(?:protection[- _])?jobs?", "job"),
    (r"(?:repositor(?:y|ies)|vaults?|targets?)|(?:protection[- _])?stores?(?! (?:it|them|data))", "store"),
    (r"dual[- ]?auth(?:ori[sz]ation)?(?= (?:is|on|off|enabled|switched|turned|active))", "setting approval"),
    (r"dual[- ]?auth(?:ori[sz]ation)?s?|four[- ]eyes|(?:second|other|another) (?:person|user|approver|admin\w*)"
     r"|approv(?:er|al|e|ed|ing)s?(?: requests?)?|sign[- ]?off", "approval"),
    (r"alerts?|alarms?|warnings?|incidents?|issues?", "issue"),
    (r"running|in progress|under ?way", "running task"),
    (r"(?:async(?:hronous)?[- ])?operations?|activit(?:y|ies)|progress of|tasks?", "task"),
    (r"(?:support|log|diagnostic)[- _](?:bundles?|logs?|files?|packages?)|bundles?|diagnostics?|logs(?= (?:from|of|for))",
     "support bundle"),
    (r"(?:one|1)[- ]time (?:login |console )?(?:codes?|passwords?)|totp|otp|login codes?", "totp code"),
    (r"console (?:users?|logins?|passwords?|credentials?|accounts?)", "console user"),
    (r"dry[- ]?runs?|pre-?checks?", "check"),
    (r"guest[- _]os|operating system", ""),
)  # fmt: skip
_COMPILED = tuple((re.compile(rf"(?<!\w)(?:{said})(?!\w)"), f" {meant} ") for said, meant in _PHRASES)

# The first word of a tool's name -> single words with which people order it.
_ORDERS = {
    "create": "create make new define add register deploy install build connect group assign apply protect onboard take",
    "update": "update change changed modify edit alter adjust extend prolong shorten lengthen reduce lock unlock immutable keep "
    "retain move postpone rename set correct add exclude include remove expire",
    "replace": "replace overwrite rewrite redefine",
    "delete": "delete remove drop purge erase destroy unregister dissolve wipe forget decommission discard disband",
    "restore": "restore overwrite recover rollback revert bring undelete",
    "recover": "rebuild lost",
    "run": "back_up run trigger start launch kick execute",
    "suspend": "turn_off suspend pause stop halt freeze disable",
    "resume": "turn_on resume unpause continue reactivate reenable unsuspend",
    "restart": "restart reboot",
    "shutdown": "shutdown stop turn_off",
    "power": "turn_on start boot",
    "refresh": "refresh rediscover rescan discover resync update reread reload",
    "attach": "attach mount present expose",
    "detach": "detach unmount dismount",
    "reattach": "reattach reconnect connect",
    "resize": "resize grow expand enlarge increase give add",
    "size": "size sizing calculate estimate big compute",
    "check": "check test verify validate",
    "ping": "ping reach reachable",
    "traceroute": "traceroute trace",
    "generate": "generate collect gather create totp",
    "set": "turn_on turn_off set allow enable disable open close",
    "wait": "wait follow",
    "list": "list",
    "get": "get",
}
_ORDERED: dict[str, frozenset[str]] = {
    said: frozenset(verb for verb, words in _ORDERS.items() if said in words.split())
    for words in _ORDERS.values()
    for said in words.split()
}
# A word of a question -> further words worth looking for, at half weight.
_NEAR = {
    "copy": ("backup", "snapshot"), "backup": ("job",), "capacity": ("store", "space", "free"), "full": ("space", "used"),
    "size": ("capacity",), "rpo": ("job", "schedule"), "retention": ("policy", "expiry"), "retain": ("expiry",), "schedule": ("policy", "job"),
    "immutable": ("lock",), "immutability": ("lock",), "worm": ("lock",), "unprotected": ("status",),
    "protect": ("job", "status"), "fail": ("outcome", "job"), "happen": ("task",), "coverage": ("vm",), "group": ("member",), "healthy": ("health", "state"), "online": ("state", "connection"),
    "reboot": ("restart",), "credential": ("account", "login"), "password": ("login", "account", "credential"), "server": ("host",),
    "cloud": ("store",), "tier": ("policy",), "wait": ("approval", "task"), "address": ("nic",), "ip": ("nic", "address"),
    "expire": ("expiry",), "expiry": ("backup", "snapshot"), "assign": ("job", "policy"), "remedy": ("issue",),
    "document": ("file",), "directory": ("file",), "finish": ("task",), "complete": ("task",), "done": ("task",),
    "belong": ("member",), "exposed": ("coverage",), "covered": ("coverage",), "deletion": ("approval",), "bandwidth": ("network",),
    "severity": ("issue",), "critical": ("issue",), "wrong": ("issue",), "broken": ("issue",), "outcome": ("job",),
    "succeed": ("outcome", "job"), "success": ("outcome", "job"), "work": ("outcome", "job"), "next": ("job",),
    "due": ("job",), "interval": ("schedule", "policy"), "frequency": ("schedule", "policy"), "often": ("schedule", "policy"),
    "appliance": ("storeonce", "gateway"), "ransomware": ("lock",), "azure": ("cloud", "store"), "aws": ("cloud", "store"),
    "dedupe": ("store",), "consumption": ("store", "used"), "usage": ("store", "used"), "space": ("free", "capacity"),
    "dns": ("network",), "ntp": ("network",), "hardware": ("vm",), "os": ("vm",), "power": ("vm",), "paused": ("job",), "suspended": ("job",),
    "host": ("esx",), "log": ("support", "bundle"), "exchange": ("vm",), "availability": ("instance",), "upload": ("cloud",),
    "vsphere": ("vm",), "tag": ("vm",), "folder": ("vm",), "stored": ("store",), "running": ("task",), "run": ("job",), "storage": ("store",),
}  # fmt: skip
_STOP = frozenset(
    """a an the of in on at to for from by with and or is are was were be been do does did done has have had it its this
    that these those there their our my we i you your us me he she they them all any some each every which what who whose
    where when why how many much can could would should will may might must please need want like now right currently
    today tonight yesterday night last still yet also so not no than then as into onto out up down about via using off
    protection protected hpe greenlake one single called named name id one's only just really own already next other
    another more most s t e g vs if whether until since again after before longer ever both current given
    without anything everything nothing something
    """.split()
)
_POLITE = re.compile(
    r"^(?:(?:please|hi|hello|hey|ok|now|then|and|so)[ ,]+|(?:can|could|would|will) (?:you|we|i|one) (?:please )?"
    r"|how (?:do|can|could|should|would) (?:i|we|you|one) |(?:i|we)(?:'d| would)? (?:want|need|like|have)(?: you)? to "
    r"|i'd like (?:you )?to |let'?s |help me (?:to )?)+"
)
_ASKS = re.compile(
    r"^(?:which|what|when|where|who|whose|why|how|is|are|was|were|do|does|did|has|have|any|can|could|until|since|list|show"
    r"|display|give me|tell|find out|look up|get|view|see|count|report|compare|overview|status|details?|describe)\b"
)
_SINGLED = re.compile(
    r"\b(?:this|one|an?|single|particular|specific|that|details?|full (?:text|details?)|members of (?:the|an?)|how far is the|status of|why did the|why is)\b"
    r"(.*?)(?= (?:of|for|in|on|by|from|to|with|and|which|that|does|is|has|have|was|be|last|next|ever|still|belong|run)\b|[,.:?]|$)"
)
_NOUNS_TOO = frozenset(
    "group set size check trace present open list lock start give add connect close run backup restore follow".split()
)


@dataclass(frozen=True)
class Reading:
    """What a text says: its concepts, what it orders and how surely, whether it asks, and what it singles out."""

    concepts: tuple[str, ...]
    orders: Mapping[str, float]
    asks: bool
    singled: frozenset[str]


def concepts(text: str) -> tuple[str, ...]:
    """The words of a text that tell things apart, in the vocabulary of the tools."""
    return tuple(_stem(word) for word in _words(text) if word not in _STOP)


def read(question: str) -> Reading:
    """The reading of a question or order."""
    text = _POLITE.sub("", " ".join(re.sub(r"\bDOs?\b", "orchestrator", question).lower().split()))
    words = _words(text)
    orders: dict[str, float] = {}
    asks = _ASKS.match(text) is not None
    asks = asks and (
        words[0] not in _ORDERED or words[0] in READS or words[0] in _NOUNS_TOO
    )  # "get rid of" and the like
    for place, word in enumerate(words):
        for verb in _ORDERED.get(word, ()):
            if (verb in PROBES) if asks else (place == 0 or word not in _NOUNS_TOO):
                orders.setdefault(verb, 1.0 if place == 0 or not orders else LATER)
    singled = frozenset(word for span in _SINGLED.findall(text) for word in concepts(span))
    verbs = {_stem(w) for w in words if w in _ORDERED and w not in _NOUNS_TOO} if not asks else set()
    found = tuple(word for word in concepts(text) if word not in verbs)
    return Reading(found, orders, asks or not orders, singled)


def _words(text: str) -> list[str]:
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower().replace("_", " ")
    for pattern, meant in _COMPILED:
        text = " ".join(pattern.sub(meant, text).split())
    return re.findall(r"[a-z0-9_]+", text)


def _stem(word: str) -> str:
    """The word without its endings; crude, and the same for questions and tools."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", "")):
        if word.endswith(ending) and not word.endswith(("ss", "us", "is")) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + instead
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


NEAR: Mapping[str, tuple[str, ...]] = {_stem(said): tuple(_stem(w) for w in near) for said, near in _NEAR.items()}
