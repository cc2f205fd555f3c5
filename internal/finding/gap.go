package finding

// Gap is something that was asked for and could not be observed or assured.
type Gap struct {
	Environment string  `json:"environment"`
	Address     string  `json:"address"`
	Instance    string  `json:"instance"`
	Reason      string  `json:"reason"`
	Hint        string  `json:"hint"`
	Waived      *Waived `json:"waived"`
}

// Coverage counts what envdiff does not model, or was not allowed to read, by kind: listed as "not compared".
type Coverage struct {
	Environment string `json:"environment"`
	Kind        string `json:"kind"`
	Count       int    `json:"count"`
}
