package engine

import (
	"context"
	"strings"
	"testing"
)

func TestAdviceFollowsTheError(t *testing.T) {
	for want, err := range map[string]error{
		"grant SELECT":  &Error{Code: "42501"},
		"raise":         &Error{Code: "SQLITE_INTERRUPT", Err: context.DeadlineExceeded},
		"damaged":       &Error{Code: "SQLITE_CORRUPT"},
		"is damaged":    &Error{Code: "SQLITE_CORRUPT_INDEX"},
		"from a backup": &Error{Code: "XX001"},
	} {
		if got := Advice(err); !strings.Contains(got, want) {
			t.Errorf("%+v: %q", err, got)
		}
	}
}
