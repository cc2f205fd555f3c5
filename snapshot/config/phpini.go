package config

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// phpINI reads php.ini and PHP-FPM pool files as zend_parse_ini does (php.net: "The configuration file",
// "parse_ini_file"): ';' begins a comment anywhere outside quotes, On, Yes and True are one value and so are
// Off, No, False and None, unless quoted.
var phpINI = dialect{
	comments: ";#", separators: "=", flags: true, section: sameText, strict: true,
	entry: func(a assignment) ([]string, snapshot.Value, repeat, bool) {
		key, index, isArray := strings.Cut(strings.TrimSuffix(a.key, "]"), "[")
		key, index = strings.TrimSpace(key), strings.TrimSpace(index)
		v := phpValue(key, a.value, index)
		switch {
		case isArray && index != "":
			return []string{key, index}, v, last, true
		case isArray:
			return []string{key}, v, list, true
		case key == "extension" || key == "zend_extension":
			return []string{key}, snapshot.String(phpExtension(a.value)), set, true
		}
		return []string{key}, v, last, true
	},
}

func parsePHPINI(src []byte) ([]entry, error) { return phpINI.parse(src) }

// phpExtension is the name of an extension: since PHP 7.2 `extension=gd`, `gd.so` and `php_gd.dll` load the same.
func phpExtension(raw string) string {
	s := unquote(phpUncomment(raw))
	if strings.ContainsAny(s, `/\`) {
		return s
	}
	s = strings.TrimSuffix(strings.TrimSuffix(s, ".so"), ".dll")
	return strings.TrimPrefix(s, "php_")
}

func phpValue(key, raw, index string) snapshot.Value {
	s := phpUncomment(raw)
	if u := unquote(s); u != s {
		return snapshot.String(u)
	}
	switch strings.ToLower(s) {
	case "on", "yes", "true":
		return snapshot.Bool(true)
	case "off", "no", "false", "none":
		return snapshot.Bool(false)
	}
	if index != "" { // php_admin_value[memory_limit], php_flag[display_errors] of a pool
		key = index
	}
	if phpBooleans[key] {
		switch s {
		case "1":
			return snapshot.Bool(true)
		case "0", "":
			return snapshot.Bool(false)
		}
	}
	if phpSizes[key] {
		return snapshot.String(byteSize(s))
	}
	return snapshot.String(s)
}

// phpUncomment cuts a comment that follows a value.
func phpUncomment(s string) string {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' && quote == '"' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ';':
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// phpBooleans are directives of type boolean, for which 1 and On are one value ("List of php.ini
// directives" and php.ini-production of PHP 8.4).
var phpBooleans = wordSet(`engine short_open_tag zlib.output_compression implicit_flush zend.enable_gc expose_php ignore_user_abort display_startup_errors
	log_errors ignore_repeated_errors ignore_repeated_source report_memleaks html_errors xmlrpc_errors register_argc_argv auto_globals_jit enable_dl
	file_uploads allow_url_fopen allow_url_include cgi.force_redirect cgi.fix_pathinfo fastcgi.logging fastcgi.impersonate cli_server.color
	mail.add_x_header mail.mixed_lf_and_crlf sql.safe_mode mysqli.allow_persistent mysqli.allow_local_infile mysqlnd.collect_statistics
	mysqlnd.collect_memory_statistics pgsql.allow_persistent pgsql.auto_reset_persistent pgsql.ignore_notice pgsql.log_notice session.use_strict_mode
	session.use_cookies session.use_only_cookies session.cookie_secure session.cookie_httponly session.auto_start session.use_trans_sid session.lazy_write
	session.upload_progress.enabled session.upload_progress.cleanup zend.exception_ignore_args tidy.clean_output soap.wsdl_cache_enabled
	opcache.enable opcache.enable_cli opcache.use_cwd opcache.validate_timestamps opcache.revalidate_path opcache.save_comments opcache.record_warnings
	opcache.enable_file_override opcache.dups_fix opcache.fast_shutdown opcache.huge_code_pages opcache.validate_permission opcache.validate_root
	opcache.file_cache_only opcache.file_cache_consistency_checks opcache.protect_memory apc.enabled apc.enable_cli apc.slam_defense
	mbstring.encoding_translation mbstring.strict_detection intl.use_exceptions exif.encode_unicode assert.active assert.exception
	assert.warning assert.bail auto_detect_line_endings clear_env catch_workers_output decorate_workers_output daemonize`)

var phpSizes = wordSet(`memory_limit post_max_size upload_max_filesize max_memory_limit realpath_cache_size apc.shm_size output_buffering`)
