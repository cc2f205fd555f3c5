package finding

// Refresh is the report's section on databases that were to get sanitised copies.
type Refresh struct {
	Targets []RefreshedTarget `json:"targets"`
}

// RefreshedTarget is one database of one environment.
type RefreshedTarget struct {
	Environment string   `json:"environment"`
	Database    string   `json:"database"`
	Status      string   `json:"status"` // swapped: it has the new rows; kept: it has what it had
	Tables      int      `json:"tables"`
	Rows        int64    `json:"rows"`
	CapturedAt  string   `json:"captured_at"` // RFC 3339: the moment that the rows show
	Migrations  []string `json:"migrations"`  // versions that were applied to the source's rows
	Seconds     float64  `json:"seconds"`
}
