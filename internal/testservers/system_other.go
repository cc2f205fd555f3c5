//go:build !linux

package testservers

// parentDir is where servers keep their files. The system's own temporary
// directory may have too long a path for a socket.
func parentDir() string { return "/tmp" }
