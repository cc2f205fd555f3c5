package keys

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// fixed is a key that the tests know.
func fixed(t *testing.T) Key {
	t.Helper()
	k, err := Parse("MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKeysNeverPrint formats a key in every way that a careless line of code might, also inside of other values.
func TestKeysNeverPrint(t *testing.T) {
	k := fixed(t)
	holder := struct {
		Name string
		Key  Key
		Ptr  *Key
		own  Key // fmt cannot call methods of what an unexported field holds
	}{"redact", k, &k, k}
	secrets := []string{k.Encode(), "0123456789abcdef", hex.EncodeToString(k.Bytes()), "48 49 50", "0x30, 0x31", "[48"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%T", "%e"} {
		for _, value := range []any{k, &k, []Key{k}, map[string]Key{"k": k}, holder} {
			text := fmt.Sprintf(verb, value)
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%s of %T shows the key: %s", verb, value, text)
				}
			}
		}
	}
	if text, err := json.Marshal(holder); err == nil {
		t.Errorf("a key was serialised: %s", text)
	}
}

func TestParseReadsWhatEncodeWrote(t *testing.T) {
	k := New()
	back, err := Parse(k.Encode())
	if err != nil || back.Encode() != k.Encode() {
		t.Errorf("read back %v, %v; want %v", back, err, k)
	}
	if New().Encode() == k.Encode() {
		t.Error("two new keys are the same")
	}
}

// TestParseRefusesWithoutQuoting: what is wrong may still be most of a key.
func TestParseRefusesWithoutQuoting(t *testing.T) {
	for name, text := range map[string]string{
		"not base64":  "hunter2hunter2!",
		"too short":   "aHVudGVyMg==",
		"too long":    strings.Repeat("QUJD", 12),
		"all zero":    strings.Repeat("A", 43) + "=",
		"empty":       "",
		"url variant": "__________________________________________8=",
	} {
		_, err := Parse(text)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

// TestDigestsAreStable holds a digest, an id and a derived key to their literal values: stored
// snapshots and pseudonyms depend on them.
func TestDigestsAreStable(t *testing.T) {
	k := fixed(t)
	for what, c := range map[string]struct{ got, want string }{
		"digest":  {k.Digest("secret", []byte("hunter2")), "cfdef534443e5b28d838"},
		"id":      {k.ID(), "831ad2af"},
		"derived": {k.Derive("email").ID(), "dd514e9f"},
	} {
		if c.got != c.want {
			t.Errorf("the %s changed from %s to %s: stored snapshots become incomparable", what, c.want, c.got)
		}
	}
}

func TestDigestsDependOnKeyAndPurpose(t *testing.T) {
	k := fixed(t)
	base := k.Digest("secret", []byte("hunter2"))
	for what, other := range map[string]string{
		"another purpose":       k.Digest("row", []byte("hunter2")),
		"another text":          k.Digest("secret", []byte("hunter3")),
		"another key":           New().Digest("secret", []byte("hunter2")),
		"a derived key":         k.Derive("secret").Digest("secret", []byte("hunter2")),
		"purpose into the text": k.Digest("secre", []byte("t\x00hunter2")),
	} {
		if other == base {
			t.Errorf("%s gives the same digest", what)
		}
	}
	if len(base) != 20 {
		t.Errorf("a digest has %d digits, want 20", len(base))
	}
}

func TestNoKeyMakesNoDigest(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a digest was made without a key: anybody could guess the secret behind it")
		}
	}()
	Key{}.Digest("secret", []byte("hunter2"))
}
