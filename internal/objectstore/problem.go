package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
)

var (
	// ErrTaken says that a key to create is there already.
	ErrTaken = errors.New("it is there already")
	// ErrChanged says that a key to replace is not what it was when it was read.
	ErrChanged = errors.New("another writer changed it meanwhile")
)

// Problem is why a bucket cannot be used, in words for an operator.
type Problem struct{ What, Reason, Hint string }

func (p *Problem) Error() string { return p.What + ": " + p.Reason }

// reasons says what the codes of an S3 server mean. The server's own text is not shown: it may repeat what it was sent.
var reasons = map[string]struct{ reason, hint string }{
	"NoSuchBucket":                 {"there is no such bucket", "make it, or correct store: in envdiff.yaml"},
	"AccessDenied":                 {"these credentials may not do that", "the policy needs s3:ListBucket, s3:ListBucketMultipartUploads on the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload below the prefix"},
	"InvalidAccessKeyId":           {"the server does not know this access key", "check AWS_ACCESS_KEY_ID"},
	"SignatureDoesNotMatch":        {"the server refuses the secret key", "check AWS_SECRET_ACCESS_KEY"},
	"ExpiredToken":                 {"the temporary credentials are over", "get new ones, with AWS_SESSION_TOKEN"},
	"InvalidToken":                 {"the server refuses the session token", "check AWS_SESSION_TOKEN, or unset it for lasting keys"},
	"RequestTimeTooSkewed":         {"this machine's clock is more than 15 minutes off", "set the clock: timedatectl set-ntp true"},
	"AuthorizationHeaderMalformed": {"the bucket is in another region", "set AWS_REGION"},
	"PermanentRedirect":            {"the bucket is at another endpoint", "set AWS_REGION, and AWS_ENDPOINT_URL where it is not Amazon's"},
	"NotImplemented":               {"the server does not do conditional writes", "use one that does: Amazon S3, MinIO, Ceph from Squid on, Cloudflare R2"},
	"SlowDown":                     {"the server asks to slow down", "try again"},
	"QuotaExceeded":                {"the bucket is full", "envdiff prune removes old snapshots"},
	"XMinioStorageFull":            {"the server's disks are full", "envdiff prune removes old snapshots"},
}

// explained says what went wrong with a key. The sentinel errors and fs.ErrNotExist stay what they are.
func (b *Bucket) explained(doing, key string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTaken) || errors.Is(err, ErrChanged) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	what := doing + " " + b.String()
	if key != "" {
		what = doing + " " + b.URL(key)
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		var u *url.Error
		if errors.As(err, &u) {
			return &Problem{what, u.Err.Error(), "is the endpoint right (AWS_ENDPOINT_URL), and does it answer from here?"}
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	if answer.Code == "NoSuchKey" {
		return fmt.Errorf("%s: %w", what, fs.ErrNotExist)
	}
	if r, ok := reasons[answer.Code]; ok {
		return &Problem{what, r.reason, r.hint}
	}
	return &Problem{what, fmt.Sprintf("the server answers %s (%d %s)", answer.Code, answer.StatusCode, http.StatusText(answer.StatusCode)), ""}
}

// conditionFailed reports whether a write was refused because of what it demanded to be there. A write that meets another one is 409 at
// Amazon; one that demands what is not there is 404.
func conditionFailed(err error) bool {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return false
	}
	return answer.StatusCode == http.StatusPreconditionFailed || answer.Code == "PreconditionFailed" || answer.Code == "ConditionalRequestConflict"
}
