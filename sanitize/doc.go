// Package sanitize is the only way by which rows leave a protected database: it classifies columns (Scan), reads and
// writes the policy, turns policy and schema into a plan that fails closed, pseudonymises cells, chooses samples closed
// over foreign keys, copies, and looks for leaks afterwards. It holds no SQL: everything goes through internal/engine.
package sanitize
