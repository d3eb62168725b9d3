"""Texts of refusals: the patterns for the table of `rules`.

Verbose patterns for lower-case text: a space is written [ ]. Each takes linear time.
"""

FULL = r"""
    over[ -]?quota | (?:disk|disc|mail|storage|mailbox)[ ]?quota | quota[ ](?:is[ ])?(?:exceeded|violation|full)
  | exceed\w*[ ](?:\w+[ ]){0,3}quota | quota[ ]usage
  | (?:mail[ ]?box|mail[ ]?folder|mail[ ]?dir|inbox|mailbox\ for\ \S+)[ ](?:is[ ]|are[ ])?(?:full|over)
  | \bmbx[ ]?full\b | \bfull[ ]mailbox
  | (?:mail[ ]?box|inbox|account|user)[ ](?:\S+[ ]){0,3}(?:has[ ]exceeded|exceeds|exceeded|would[ ]exceed
    |is[ ]out[ ]of|exceeding)[ ]
    (?:\w+[ ]){0,4}(?:limit|space|storage|quota|size)
  | exceed\w*[ ](?:\w+[ ]){0,2}storage
    | storage[ ](?:limit|allocation|space)[ ](?:was[ ]|is[ ])?(?:exceeded|full|used)
  | out[ ]of[ ]storage | enough[ ](?:disk[ ]|storage[ ])?space | (?:insufficient|no)[ ](?:disk|storage)[ ]space
  | space[ ](?:left|has[ ]been[ ]used) | sufficient[ ]disk[ ]space
  | too[ ]many[ ]messages[ ](?:on|in)[ ](?:the[ ])?(?:server|mailbox|folder|inbox) | too[ ]much[ ]mail[ ]data
  | account[ ]storage[ ]limit | bo[iî]te[ ](?:\w+[ ]){0,2}pleine | buz[oó]n[ ](?:est[aá][ ])?lleno | casella[ ]piena
  | postfach[ ](?:ist[ ])?(?:voll|[uü]berf[uü]llt) | speicherplatz | ящик[ ]переполнен | переполнен
  | (?:收件人|邮箱|郵箱|信箱|空间|空間)(?:空间|空間|容量)?(?:不足|已满|已滿|满|滿)
  | メールボックス.{0,6}(?:一杯|いっぱい|満杯)
  | 容量.{0,4}(?:超え|オーバー) | 메일함.{0,6}(?:가득|초과)"""
OUR_QUOTA = r"""\b(?:daily|hourly|sending|sender|relay|rate|submission|outbound)\b | per[ ](?:hour|day)"""

UNWANTED = r"""
    (?:rejected|refused|blocked)[ ]by[ ](?:the[ ])?(?:recipients?|user|addressee)s?\b(?!['’]s)
  | recipient[ ]preferences | user[ ]refuses | refuses?[ ]to[ ](?:accept|receive)[ ](?:this|your)[ ]mail
  | only[ ]accept(?:s|ing)[ ]mail[ ]from[ ]specific | rejected[ ]due[ ]to[ ]user[ ]rules
    | been[ ]blocked[ ]by[ ]the[ ]recipient
  | 收件人拒收 | 被收件人"""

# A local program: procmail, for one, may call it "no such user" (5.1.1) that it could not write the mailbox.
NOT_STORED = r"""
    (?:procmail|maildrop|deliver|dovecot-lda):[ ](?:could(?:n['’]t|[ ]not)|can(?:['’]t|not)|unable[ ]to|failed[ ]to)[ ]
    (?:create|open|write|lock|rename|chdir|save)"""

RATE = r"""
    rate[- ]?limit | sending[ ]rate | frequency[ ]limit | throttl | slow[ ]down | again[ ]slower
  | \b(?:sending|message|mail|email|hourly|daily|submission|connection|recipient)s?[ ](?:rate|limit|quota)\b
  | \b(?:daily|hourly)[ ](?:\w+[ ]){0,4}(?:limit|quota)
  | \btoo[ ](?:many|much|fast|quick(?:ly)?|frequent(?:ly)?|often)\b | \bexcessive[ ](?:volume|connections)
  | \bunusual[ ]rate\b | at[ ]a[ ]rate[ ]that | emails?[ ]per[ ](?:hour|day)
  | maximum[ ](?:sending|connection|number[ ]of[ ](?:connections|messages)) | concurrent[ ](?:smtp[ ])?connections
  | temporarily[ ]deferred | trop[ ]de[ ](?:connexions|messages)
  | \b(?:server|system|service)[ ](?:is[ ])?(?:too[ ])?busy\b
  | 频率 | 頻率 | 过于频繁 | 過於頻繁 | 过快 | 發信量 | 发信量"""
RATE_UNLESS = r"too[ ]many[ ](?:hops|received|messages[ ](?:on|in))|too[ ]much[ ]mail[ ]data"

LISTED = r"""
    spamhaus | spamcop | barracudacentral | \b(?:dns|rbl|uribl|surbl)bl?\b | \b[dr]nsbl | \brbl\b | sorbs
    | proofpoint\.com/dnsbl
  | black[ -]?list | block[ -]?list | deny[ -]?list | blocklisted | \bblocked[ ](?:using|by|for|because|at|due|-)
  | \b(?:is|been|was|are)[ ](?:\w+[ ]){0,2}(?:blocked|banned)\b | \bbanned[ ](?:sending|ip|sender)
  | (?:poor|bad|low)[ ](?:\w+[ ]){0,2}reputation | reputation[ ](?:of|score|problem) | due[ ]to[ ](?:ip[ ])?reputation
  | (?:dynamic|zombie\w*)[ /](?:\w+[ /]){0,2}ips? | suspected[ ]bounce
    | (?<!not[ ])\blisted[ ](?:at|in|on|as[ ]abusive)
  | your[ ](?:ip|network|server|host|domain)[ ](?:address[ ])?(?:\S+[ ]){0,3}(?:is|has|was)\b
  | not[ ](?:currently[ ])?accepting[ ]mail[ ]from[ ]your | (?:user|unsolicited|spam)[ ]complaints
  | \(S3\d{3}\) | 黑名单 | 黑名單"""

PTR = r"""
    \bptr\b | reverse[ ]dns | \brdns\b | reverse[ ](?:lookup|name) | name[ ]lookup[ ]failed
    | find[ ]your[ ](?:reverse[ ])?hostname
  | unverifyable[ ]sending | mismatches[ ]client[ ]ip | \b(?:helo|ehlo)\b"""

AUTH = r"""
    \bdmarc\b | \bspf\b | \bdkim\b | sender[ ]policy[ ]framework | sender[ ]id\b | \bunauthenticated
    | not[ ]authenticated
  | authenticat(?:e|ion)\b | smtp[ ]auth | fails?[ ]to[ ]pass | starttls | \btls[ ](?:is[ ])?required
    | must[ ]pass[ ]either"""

SENDER = r"""
    sender[ ](?:\w+[ ]){0,3}(?:rejected|denied|blocked|refused|invalid|verif\w+|unknown|not\b)
  | \bsender[ ](?:verify|verification)|invalid[ ]sender
    | (?:mail[ ]from|from[ ]address|from:)[ ](?:\w+[ ]){0,3}(?:rejected|not|invalid|domain|refused)
  | \bbanned[ ]sender | domain[ ]of[ ]sender
    | sender['’]?s?[ ](?:e-?mail[ ]|mail[ ])?(?:address|domain):?[ ](?:\S+[ ]){0,6}(?:not|reject\w*|fail\w*|lookup|name)
  | identit(?:y|ies)[ ]failed | not[ ]verified | backscatter | \bbatv\b | null[ ]sender | empty[ ]envelope
    | not[ ]subscribed[ ]to
  | emetteur[ ]invalide | 发件人 | 發件人"""

RELAY = r"""
    relay(?:ing)?[ ](?:access[ ]|is[ ]|mail[ ]|has[ ]been[ ])?(?:denied|not|to|restrict|prohibited|rejected)
    | unable[ ]to[ ]relay | not[ ]an?[ ]open[ ]relay
  | permitted[ ]to[ ](?:\w+[ ])?relay | no[ ]relay | as[ ]a[ ]relay | insecure[ ]mail[ ]relay
    | allowed[ ]to[ ]relay | rcpthosts?\b"""
RELAY_UNLESS = r"validrcptto"

GREETING = r"""
    refused[ ]to[ ]talk[ ]to[ ]me | after[ ]initial[ ]connection | receiving[ ]the[ ]initial[ ]server[ ]greeting
  | initial[ ](?:server[ ])?greeting | no[ ]smtp[ ]service | closing[ ]transmission[ ]channel
    | in[ ]reply[ ]to[ ](?:helo|ehlo|mail[ ]from)
  | after[ ](?:pipelined[ ])?(?:mail[ ]from|helo|ehlo|starttls) | not[ ]accepting[ ]connections
    | not[ ]allowed[ ]to[ ]connect
  | connection[ ](?:denied|rejected)"""

CONTENT = r"""
    \bspam | unsolicited | junk[ ]mail | \bvirus | malware | phish | bulk[ ]mail
    | (?:content|message|mail|body|header)[ ](?:is[ ]|was[ ]|has[ ]been[ ]|content[ ])?(?:rejected|denied
    |filtered|refused)
  | policy[ ](?:reasons?|violation|restriction)
    | (?:local|security|organi[sz]ation\w*|domain|recipient)[ ](?:\w+[ ])?polic | for[ ]policy | by[ ]policy
    | due[ ]to[ ](?:\w+[ ]){0,3}polic
  | illegal[ ]attachment | attachment[ ]type | malformed | rfc[ ]?\d{4} | rfc[ ]compliant
    | message[ ](?:is[ ])?too[ ](?:large|big) | message[ ]size | size[ ](?:exceed|limit)
  | exceeds[ ](?:the[ ])?(?:maximum|fixed|size) | duplicate[ ]header | restricted[ ]content | 垃圾邮件 | 垃圾郵件
    | 邮件内容 | 病毒"""
CONTENT_UNLESS = r"is[ ]protected[ ]by|mail[ ]?box[ ](?:\w+[ ])?size|mailbox|name[ ]serv"

LOOP = r"loop(?:s|ing|ed)?\b | hop[ ]count | too[ ]many[ ](?:hops|received) | \bhops\b | aliasing"

NOUN = r"""(?:e-?mail[ ](?:account|address)|user(?:id|name)?|mail[ ]?box|recipient|account|alias
    |address(?:ee)?|rcpt|person|inbox)"""
OWN = r"(?:user(?:id|name)?|mail[ ]?box|recipient|alias|local[- ]part|addressee|rcpt|envelope[ ]recipient)"
AT = r"[<\[(\"']{0,2}[^\s<>\[\]()@]{1,64}@[^\s<>\[\]()@]{1,255}[>\])\"']{0,2}"
BETWEEN = (
    rf"(?:[\s:,]+(?:{AT}|is|was|name|names?d|specified|that|you|tried|to|reach|could|here|entered|\(s\)|s)){{0,8}}"
)
MISSING = r"""(?:unknown|not[ ](?:be[ ])?(?:found|known|recogni[sz]ed|listed|valid)|not[ ]exists?
    |couldn['’]?t[ ]be[ ]found|wasn['’]?t[ ]found
    |isn['’]?t[ ](?:valid|known)|do(?:es)?(?:[ ]not|n[o'’]?t|[ ]no)[ ](?:currently[ ])?exists?
    |no[ ]longer[ ](?:exists?|valid|active|available|on[ ]server|accepts)
    |has[ ]been[ ](?:replaced|deleted|removed)|is[ ]incorrect)"""
UNKNOWN = rf"""
    \bno[ ]such[ ](?:\w+[ ])?{NOUN}\b
    | \bno[ ](?:mail[ ]?box|account|user|one|person)[ ](?:here[ ]|is[ ]currently[ ]available[ ])?(?:by|with|at
    |found|at[ ]this)\b
  | \bno[ ]mail[ ]?box[ ]found
    | \bis[ ]not[ ](?:a[ ]|an[ ])?(?:known|valid|active|local)[ ](?:\w+[ ])?{NOUN}
    | \bnot[ ]a[ ]valid[ ](?:recipient|user|mailbox)
  | \b(?:unknown|invalid|non-?existent|undefined)[ ](?:or[ ]\w+[ ])?(?:virtual[ ]|local[ ]|final[ ]delivery[ ]
    |email[ ]|e-mail[ ])?{OWN}\b
  | \b(?:unknown|invalid|non-?existent|bad)[ ](?:e-?mail[ ])?address\b | \bnon-?existent[ ]account
    | \bbad[ ](?:destination|recipient|dest\w*[ ]mailbox)
  | \b{NOUN}{BETWEEN}[\s:,]+{MISSING}
  | {AT}[\s.:,]{{0,4}}(?:is[ ])?(?:user[ ]unknown|not[ ](?:found|listed|known)|unknown|does[ ]not[ ]exist)
  | \baddress[ ]not[ ](?:present|found) | address[ ](?:couldn['’]t|could[ ]not|wasn['’]t)[ ]be[ ]found
    | \bthe[ ]address[ ](?:was[ ]not|wasn['’]t)[ ]found
  | recipient[ ](?:name[ ])?(?:is[ ])?not[ ](?:recogni[sz]ed|ok|found|exist|local|accepted) | recipnotfound
    | recipientnotfound | recipient[ ]notfound | adr\.(?:ex)?recip\w*notfound
  | no[ ](?:\w+[ ]){{0,3}}in[ ]name[ ]directory | not[ ]listed[ ]in[ ](?:\w+[ ]){{0,3}}directory | badrcptto
    | badrecipientto | validrcptto
  | user[ ](?:missing[ ]home|not[ ](?:found|known|exist|active)) | user['’]s[ ]email[ ]name[ ]is[ ]not
    | relay[ ]recipient[ ]table
  | no[ ]valid[ ]recipients?(?:,[ ]bye|[ ]for[ ]this) | check[ ]if[ ]address[ ]is[ ]correct
  | doesn['’]?t[ ]have[ ]an?[ ]\S+[ ]account | this[ ]spectator | wrong[ ]or[ ]no[ ]longer[ ]valid
  | utilisateur[ ]inconnu | destinataire[ ](?:invalide|inconnu) | no[ ]existe[ ](?:dicha|ese|el)
    | usuario[ ](?:desconocido|inexistente|no[ ]existe)
  | utente[ ](?:sconosciuto|inesistente|non[ ]esist) | nessun[ ]utente
    | destinatario[ ](?:sconosciuto|inexistente|desconhecido)
  | (?:empf[äa]nger|benutzer)(?:adresse)?[ ](?:ist[ ])?(?:unbekannt|nicht[ ](?:gefunden|vorhanden|bekannt)
    |existiert[ ]nicht)
  | (?:пользователь|получатель|адрес|ящик)[ ](?:\w+[ ])?не[ ](?:найден|существует)
  | (?:用户|用戶|使用者|收件人|邮箱|郵箱|信箱|帐号|账号|帳號|账户|地址)(?:地址)?\s*(?:不存在|未找到|无效|無效)
  | 不存在(?:的|该|此)?(?:用户|用戶|收件人|邮箱|郵箱) | 未开通.{{0,4}}邮箱 | [无無]此(?:用户|用戶|人) | 查无此人
  | メールアドレス.{{0,6}}(?:見つかりません|存在しません|ありません|みつかりません)
  | (?:宛先|あて先|ユーザ).{{0,12}}(?:見つかりません|存在しません|不明|ありません|みつかりません)
  | ディレクトリ.{{0,12}}(?:ありません|見つかりません) | 사용자.{{0,8}}(?:없|않)"""
UNKNOWN_UNLESS = r"""\b(?:sender|helo|ehlo|spf|dkim|dmarc|reputation|rate|relay(?:ing)?[ ](?:denied|not)
    |black\w*|unsolicited)\b
  | unknown[ ]address[ ]error | or[ ](?:access[ ]denied|(?:is[ ])?unable[ ]to[ ]receive)
    | may[ ]not[ ]exist[, ]+(?:they|or) | sender[ ]address"""

NO_DOMAIN = r"""
    (?:host|domain)[ ](?:or[ ]domain[ ]name[ ])?(?:name[ ])?(?:is[ ])?(?:not[ ](?:found|known|reachable)
    |unknown|unreachable|does[ ]not[ ]exist)
  | \b(?:unknown|illegal|invalid|no[ ]such|nonexistent|non-existent)[ ](?:host|domain)
    | unroute?able[ ](?:mail[ ]domain|address) | \bnxdomain
  | (?:name[ ]service[ ]error|name[ ]or[ ]service[ ]not[ ]known)
    | (?:no|not[ ]find[ ]a?n?y?|couldn['’]t[ ]find[ ]a)[ ](?:mx|mail[ ]exchanger)\b
  | no[ ](?:mx|mx[ ]record)[ ]found | no[ ]route[ ]for | name[ ]server:?[ ] | no[ ]such[ ]domain"""
NULL_MX = r"null[ ]?mx | (?:host|domain)(?:/domain)?[ ]does[ ]not[ ]accept[ ]mail | indicated[ ]no[ ]smtp[ ]service"

CLOSED = r"""
    (?:account|mail[ ]?box|user|recipient|address|inbox|email)(?:[\s:,]+(?:\S+@\S+|that|you|tried|to|reach|is
    |has|been|was|currently|temporar\w+|the|or|domain)){0,10}[\s:,]+
    (?:disabled|deactivated|inactive|suspended|frozen|locked|terminated|archived?|closed|discontinued
    |unavailable|blocked|not[ ](?:active|available|accepting))
  | \b(?:disabled|deactivated|inactive|suspended|frozen|unavailable[ ]mail|terminated
    |archived)[ ](?:or[ ]\w+[ ])?(?:user|recipient|mail[ ]?box|account|address|alias)
  | user[ ]suspended | disabled[ ]or[ ]discontinued | extended[ ]inactivity | archiv[eé]e
    | suspend[ ]the[ ]service | no[ ]longer[ ]accepts[ ]mail
  | is[ ]not[ ]accepting[ ]any[ ]mail | mail[ ]receiving[ ]disabled | 停用 | 冻结 | 凍結 | 禁用"""

AFTER_THE_BODY = r"""
    after[ ]end[ ]of[ ]data | end[ ]of[ ]data[ ]command | in[ ]reply[ ]to[ ](?:end[ ]of[ ])?data
  | after[ ](?:pipelined[ ])?data"""
AU = r"^[: ]+user[ ]unknown|->[ ]\d+[ ]:[ ]user[ ]unknown"
DOMAIN_GONE = r"""
    (?:host|domain)[ ](?:is[ ])?(?:unknown|does[ ]not[ ]exist)
    | (?:unknown|no[ ]such|nonexistent|non-existent)[ ](?:host|domain)\b | \bnxdomain
  | domain[ ]name[ ]not[ ]found | host[ ]not[ ]found[ ]in[ ]dns"""

# A permanent DNS failure (Postfix, DragonFly, qmail, Exchange Online, Sun's and Yahoo's servers), and a DNS time-out.
NAME_SERVER_ANSWERS = r"""
    \btype=\w+:[ ]host[ ]not[ ]found | \blookup[ ]failure:[ ]host[ ]\S+[ ]not[ ]found
  | couldn['’]?t[ ]find[ ](?:a[ ]mail[ ]exchanger|any[ ]host[ ]named)
  | ^(?:5\.4\.4[ ])?\(?(?:illegal|invalid)[ ](?:host/)?domain\b
  | \bno[ ]mx[ ](?:record[ ])?found[ ]for[ ]domain
  | \bdns[ ]domain[ ]\S+[ ]does[ ]not[ ]exist | \binfodomainnonexistent"""
NAME_SERVER_FAILS = (
    r"""try[ ]again | temporar | malformed | servfail | server[ ]failure | timed?[ -]?out | \bsender | mail[ ]from"""
)

PERHAPS_UNKNOWN = r"(?:account|mailbox|user|recipient|domain)[ ](?:or[ ]\w+[ ])?may[ ]not[ ](?:be[ ]valid|exist)"
# Exim, for an unknown domain or user; a failing DNS server delays it instead.
UNROUTABLE = r"unroute?able[ ](?:mail[ ]domain|address)"
RECIPIENT_DENIED = r"recipient[ ]address[ ]rejected:[ ]access[ ]denied"
NOT_ACCEPTING = r"(?:does[ ]not|not)[ ]accept(?:ing)?[ ](?:\w+[ ])?(?:mail|messages)\b(?![ ]from)"

UNAVAILABLE = r"""mailbox[ ]unavail | mailbox[ ]is[ ]unavailable | access[ ]denied
    | address(?:es)?[ ]rejected | recipient[ ](?:address[ ])?(?:rejected|refused|denied)
  | no[ ]valid[ ]recipients | \S+@\S+[ ]rejected | undeliverable[ ]address | unable[ ]to[ ]receive
    | (?:account|user)[ ](?:\w+[ ])?may[ ]not | unrouteable"""

EXPIRED = r"""
    expired | timed?[ -]?out | retry[ ]time(?:out)? | queue[ ]too[ ]long | (?:been|was)[ ]in[ ]the[ ]queue
    | could[ ]not[ ]be[ ]delivered[ ](?:for|within|in)[ ]
  | giv(?:en|ing)[ ]up[ ]after
    | connection[ ](?:refused|reset|timed)|network[ ](?:is[ ])?unreachable|network[ ]error
    | lost[ ]connection | for[ ]\d+[ ](?:days|hours)"""
