package config

import (
	"sort"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// sshDialect is what sshd_config and ssh_config have in common: keywords in any case, the first value of a
// keyword counts, blocks that apply to some.
type sshDialect struct {
	keywords map[string]string // lower case → as in the manual
	blocks   map[string]bool   // lower case keywords that open a block
	group    string            // the name of the order fact: the first block that applies wins
}

// sshdConfig follows sshd_config(5) of OpenSSH 9.9, sshConfig ssh_config(5).
var (
	sshdConfig = sshDialect{keywords: sshdKeywords, blocks: map[string]bool{"match": true}, group: "Match"}
	sshConfig  = sshDialect{keywords: sshKeywords, blocks: map[string]bool{"match": true, "host": true}, group: "Host"}
)

func parseSSHD(src []byte) ([]entry, error) { return sshdConfig.parse(src) }
func parseSSH(src []byte) ([]entry, error)  { return sshConfig.parse(src) }

func (d sshDialect) parse(src []byte) ([]entry, error) {
	var c collected
	var blocks []segment
	seen := map[string]bool{}
	block := ""
	for _, l := range significant(src, "#") {
		words, ok := sshWords(l.text)
		if !ok || len(words) == 0 {
			return nil, errAt(l.no, "a quote is not closed")
		}
		lower := strings.ToLower(words[0])
		keyword, args := fold(d.keywords, words[0]), words[1:]
		if alias, ok := sshAliases[lower]; ok {
			keyword = alias
		}
		if len(args) == 0 {
			return nil, errAt(l.no, "a keyword without argument")
		}
		if d.blocks[lower] {
			block = keyword + " " + sshCriteria(lower, args)
			if !seen[block] {
				seen[block] = true
				blocks = append(blocks, segment{name: block})
			}
			continue
		}
		var path []string
		if block != "" {
			path = []string{block}
		}
		sshAdd(&c, l.no, path, keyword, args)
		if len(c.list) > maxEntries {
			return nil, errEntries
		}
	}
	out, err := c.entries()
	return append(out, order(0, nil, d.group, blocks)...), err
}

// sshAdd records one line. Cumulative keywords are sets; of all others the first value counts.
func sshAdd(c *collected, line int, path []string, keyword string, args []string) {
	switch {
	case keyword == "Include":
		for _, a := range args {
			c.add(line, list, snapshot.String(a), append(path, keyword)...)
		}
	case keyword == "Subsystem" || keyword == "SetEnv":
		name, value := args[0], strings.Join(args[1:], " ")
		if keyword == "SetEnv" {
			for _, a := range args {
				name, value, _ = strings.Cut(a, "=")
				sshFirst(c, line, value, append(append([]string{}, path...), keyword, name))
			}
			return
		}
		sshFirst(c, line, value, append(path, keyword, name))
	case sshSets[keyword]:
		for _, a := range args {
			c.add(line, set, snapshot.String(a), append(append([]string{}, path...), keyword)...)
		}
	default:
		sshFirst(c, line, sshValue(keyword, args), append(path, keyword))
	}
}

func sshFirst(c *collected, line int, value string, path []string) {
	if _, known := c.at[strings.Join(path, "\x00")]; !known {
		c.add(line, last, snapshot.String(value), path...)
	}
}

// sshValue joins arguments; yes and no are written in lower case, and old names of values have their present ones.
func sshValue(keyword string, args []string) string {
	v := strings.Join(args, " ")
	switch lower := strings.ToLower(v); lower {
	case "yes", "no", "none":
		return lower
	case "true":
		return "yes"
	case "false":
		return "no"
	case "without-password":
		return "prohibit-password"
	}
	if sshTimes[keyword] {
		return seconds(v)
	}
	return v
}

// seconds writes a time in the format of sshd_config(5) (1h30m, 90) as seconds.
func seconds(s string) string {
	total, n, digits := int64(0), int64(0), false
	for _, c := range strings.ToLower(s) {
		unit := map[rune]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}[c]
		switch {
		case c >= '0' && c <= '9' && n < 1e9:
			n, digits = n*10+int64(c-'0'), true
		case unit > 0 && digits:
			total, n, digits = total+n*unit, 0, false
		default:
			return s
		}
	}
	if v, ok := snapshot.Int(total + n).Number(); ok && s != "" && v < 1e12 {
		return snapshot.Int(total + n).JSON()
	}
	return s
}

// sshCriteria writes the criteria of a block in one order and one spelling: `match address 10.0.0.0/8 user git` and
// `Match User git Address 10.0.0.0/8` are one block.
func sshCriteria(block string, args []string) string {
	if block == "host" {
		return strings.Join(args, " ")
	}
	var pairs []string
	for i := 0; i < len(args); i++ {
		name, value, inline := strings.Cut(args[i], "=")
		name = fold(sshCriteriaNames, name)
		switch {
		case inline:
			pairs = append(pairs, name+" "+value)
		case name == "All" || name == "Canonical" || name == "Final" || i+1 == len(args):
			pairs = append(pairs, name)
		default:
			i++
			pairs = append(pairs, name+" "+args[i])
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, " ")
}

// sshWords splits a line at white space and at one '=' behind the keyword, takes quotes away and ends at a comment.
func sshWords(s string) ([]string, bool) {
	if i := strings.IndexAny(s, " \t=\""); i > 0 {
		rest := strings.TrimLeft(s[i:], " \t")
		s = s[:i] + " " + strings.TrimPrefix(rest, "=")
	}
	var words []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " \t") {
		switch s[0] {
		case '#':
			return words, true
		case '"', '\'':
			end := strings.IndexByte(s[1:], s[0])
			if end < 0 {
				return nil, false
			}
			words = append(words, s[1:1+end])
			s = s[end+2:]
		default:
			end := strings.IndexAny(s, " \t")
			if end < 0 {
				end = len(s)
			}
			words = append(words, s[:end])
			s = s[end:]
		}
	}
	return words, true
}

var sshSets = wordSet(`Port ListenAddress HostKey HostCertificate AcceptEnv SendEnv AllowUsers DenyUsers AllowGroups DenyGroups IdentityFile CertificateFile
	LocalForward RemoteForward DynamicForward`)

var sshTimes = wordSet(`LoginGraceTime ClientAliveInterval ServerAliveInterval ConnectTimeout ForwardX11Timeout UnusedConnectionTimeout`)

var sshCriteriaNames = folding(`User Group Host LocalAddress LocalPort LocalUser LocalNetwork RDomain Address All Invalid-User OriginalHost Exec Canonical Final Tagged
	SessionType Command Version`)

// sshAliases are former names of keywords (sshd.c and readconf.c keep them).
var sshAliases = map[string]string{
	"challengeresponseauthentication": "KbdInteractiveAuthentication",
	"skeyauthentication":              "KbdInteractiveAuthentication",
	"pubkeyacceptedkeytypes":          "PubkeyAcceptedAlgorithms",
	"hostbasedacceptedkeytypes":       "HostbasedAcceptedAlgorithms",
	"hostbasedkeytypes":               "HostbasedAcceptedAlgorithms",
	"keepalive":                       "TCPKeepAlive",
	"dsaauthentication":               "PubkeyAuthentication",
}

var sshdKeywords = folding(`AcceptEnv AddressFamily AllowAgentForwarding AllowGroups AllowStreamLocalForwarding AllowTcpForwarding AllowUsers AuthenticationMethods
	AuthorizedKeysCommand AuthorizedKeysCommandUser AuthorizedKeysFile AuthorizedPrincipalsCommand AuthorizedPrincipalsCommandUser
	AuthorizedPrincipalsFile Banner CASignatureAlgorithms ChannelTimeout ChrootDirectory Ciphers ClientAliveCountMax ClientAliveInterval Compression
	DebianBanner DenyGroups DenyUsers DisableForwarding ExposeAuthInfo FingerprintHash ForceCommand GatewayPorts GSSAPIAuthentication
	GSSAPICleanupCredentials GSSAPIKeyExchange GSSAPIStoreCredentialsOnRekey GSSAPIStrictAcceptorCheck HostbasedAcceptedAlgorithms
	HostbasedAuthentication HostbasedUsesNameFromPacketOnly HostCertificate HostKey HostKeyAgent HostKeyAlgorithms IgnoreRhosts IgnoreUserKnownHosts
	Include IPQoS KbdInteractiveAuthentication KerberosAuthentication KerberosGetAFSToken KerberosOrLocalPasswd KerberosTicketCleanup KexAlgorithms
	ListenAddress LoginGraceTime LogLevel LogVerbose MACs Match MaxAuthTries MaxSessions MaxStartups ModuliFile PasswordAuthentication
	PermitEmptyPasswords PermitListen PermitOpen PermitRootLogin PermitTTY PermitTunnel PermitUserEnvironment PermitUserRC PerSourceMaxStartups
	PerSourceNetBlockSize PerSourcePenalties PerSourcePenaltyExemptList PidFile Port PrintLastLog PrintMotd PubkeyAcceptedAlgorithms PubkeyAuthOptions
	PubkeyAuthentication RDomain RefuseConnection RekeyLimit RequiredRSASize RevokedKeys SecurityKeyProvider SetEnv SshdSessionPath StreamLocalBindMask StreamLocalBindUnlink
	StrictModes Subsystem SyslogFacility TCPKeepAlive TrustedUserCAKeys UnusedConnectionTimeout UseDNS UsePAM UsePrivilegeSeparation
	VersionAddendum X11DisplayOffset X11Forwarding X11UseLocalhost XAuthLocation`)

var sshKeywords = folding(`AddKeysToAgent AddressFamily BatchMode BindAddress BindInterface CanonicalDomains CanonicalizeFallbackLocal CanonicalizeHostname
	CanonicalizeMaxDots CanonicalizePermittedCNAMEs CASignatureAlgorithms CertificateFile ChannelTimeout CheckHostIP Ciphers ClearAllForwardings
	Compression ConnectionAttempts ConnectTimeout ControlMaster ControlPath ControlPersist DynamicForward EnableEscapeCommandline EnableSSHKeysign
	EscapeChar ExitOnForwardFailure FingerprintHash ForkAfterAuthentication ForwardAgent ForwardX11 ForwardX11Timeout ForwardX11Trusted GatewayPorts
	GlobalKnownHostsFile GSSAPIAuthentication GSSAPIDelegateCredentials HashKnownHosts Host HostbasedAcceptedAlgorithms HostbasedAuthentication
	HostKeyAlgorithms HostKeyAlias Hostname IdentitiesOnly IdentityAgent IdentityFile IgnoreUnknown Include IPQoS KbdInteractiveAuthentication
	KbdInteractiveDevices KexAlgorithms KnownHostsCommand LocalCommand LocalForward LogLevel LogVerbose MACs Match NoHostAuthenticationForLocalhost
	NumberOfPasswordPrompts ObscureKeystrokeTiming PasswordAuthentication PermitLocalCommand PermitRemoteOpen PKCS11Provider Port
	PreferredAuthentications ProxyCommand ProxyJump ProxyUseFdpass PubkeyAcceptedAlgorithms PubkeyAuthentication RekeyLimit RemoteCommand
	RemoteForward RequestTTY RequiredRSASize RevokedHostKeys SecurityKeyProvider SendEnv ServerAliveCountMax ServerAliveInterval SessionType SetEnv
	StdinNull StreamLocalBindMask StreamLocalBindUnlink StrictHostKeyChecking SyslogFacility Tag TCPKeepAlive Tunnel TunnelDevice UpdateHostKeys
	User UserKnownHostsFile VerifyHostKeyDNS VisualHostKey XAuthLocation`)
