package snapshot

import (
	"strings"
	"unicode"
)

// nameWords splits a key name at case changes, '_', '-', '.' and other punctuation: DBPassword,
// db_password and db-password are all [db password].
func nameWords(name string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = nil
		}
	}
	rs := []rune(name)
	for i, c := range rs {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			flush()
			continue
		}
		if unicode.IsUpper(c) && i > 0 {
			nextLower := i+1 < len(rs) && unicode.IsLower(rs[i+1])
			if unicode.IsLower(rs[i-1]) || unicode.IsDigit(rs[i-1]) || unicode.IsUpper(rs[i-1]) && nextLower {
				flush()
			}
		}
		word = append(word, c)
	}
	flush()
	return words
}

// secretWords decides by the words of a name: it must have a secret word, and no later word that makes it a property of
// the secret (token_ttl, PasswordAuthentication, secretName).
func secretWords(words []string) bool {
	end := -1
	for i, w := range words {
		switch {
		case w == "pass" && i > 0 && passedOn[words[i-1]]:
		case secretWord(w):
			end = i
		case i > 0 && (w == "key" || w == "keys") && keyOwners[words[i-1]]:
			end = i
		}
	}
	if end < 0 || countedPrefix(words[:end]) {
		return false
	}
	return !plainWord(words[end+1:])
}

// secretWord also knows names written as one word: dbpassword, authtoken, requirepass.
func secretWord(w string) bool {
	w = strings.TrimRight(w, "0123456789")
	if wordsOfSecrets[w] {
		return true
	}
	for _, suffix := range []string{"password", "passwd", "passphrase", "secret", "apikey", "secretkey", "privatekey", "accesskey", "authtoken", "accesstoken"} {
		if strings.HasSuffix(w, suffix) {
			return true
		}
	}
	return false
}

// plainWord reports a word that makes a secret name the name of something about the secret.
func plainWord(words []string) bool {
	for _, w := range words {
		if plainWords[w] {
			return true
		}
	}
	return false
}

// countedPrefix knows max_tokens and min-password: numbers of something, or what
// a server says of itself (server_tokens).
func countedPrefix(words []string) bool {
	if len(words) == 0 {
		return false
	}
	switch words[0] {
	case "max", "min", "num", "total", "count", "server", "public", "allow", "allowed", "enable", "disable", "require", "use", "no":
		return true
	}
	return false
}

var wordsOfSecrets = wordSet(`password passwords passwd pwd pass passphrase secret secrets token tokens apikey apikeys credential credentials salt salts
	privatekey secretkey accesskey authkey psk requirepass masterauth userpassword pgpass authorization`)

// keyOwners make the word "key" behind them a secret; "key" alone names all sorts of things.
var keyOwners = wordSet(`api private access auth secret encryption encrypt signing sign master account app jwt hmac session cookie shared preshared
	license licence storage service deploy webhook crypt aes`)

// passedOn are what nginx passes requests to: proxy_pass and fastcgi_pass are no passwords.
var passedOn = wordSet(`proxy fastcgi uwsgi scgi grpc memcached redis2 drizzle postgres js`)

var plainWords = wordSet(`ttl length len min max minimum maximum days day age rotation rotate policy policies expiry expire expires expiration expired timeout
	lifetime url uri endpoint file files path paths dir directory name names id ids type types kind algorithm algo method methods authentication auth authenticator
	required require enabled enable disabled disable count limit limits size format prefix suffix header headers field fields issuer audience cache
	reset strength encoder complexity hasher arn ref refs reference provider providers store stores manager service services host hosts hostname port
	user username users login email prompt cost rounds iterations version class classes interval scope scopes region zone backend engine driver mode
	column table label description title comment changed warn warning history hint created updated validity revision location encryption`)

// secretCollections name mappings whose every entry is a secret.
var secretCollections = wordSet(`secrets passwords tokens credentials apikeys privatekeys accesskeys stringdata`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
