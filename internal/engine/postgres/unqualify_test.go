package postgres

import "testing"

func TestColumnsOfOneRelationAloneStandWithoutItsName(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT users.id, users.email FROM public.users WHERE ((users.rank)::integer > 18)":          "SELECT id, email FROM public.users WHERE ((rank)::integer > 18)",
		"SELECT a.id, public.add(1, 2) AS three FROM public.adults a":                                "SELECT id, public.add(1, 2) AS three FROM public.adults a",
		`SELECT "a b"."x.y" FROM "S"."a b"`:                                                          `SELECT "x.y" FROM "S"."a b"`,
		"SELECT (t.pair).a, t.* FROM public.t":                                                       "SELECT (pair).a, t.* FROM public.t",
		"SELECT 't.a' AS x FROM public.t":                                                            "SELECT 't.a' AS x FROM public.t",
		"SELECT a.x, b.y FROM (public.a JOIN public.b ON ((a.x = b.y)))":                             "SELECT a.x, b.y FROM (public.a JOIN public.b ON ((a.x = b.y)))",
		"SELECT a.x FROM public.a, public.b":                                                         "SELECT a.x FROM public.a, public.b",
		"SELECT a.x FROM public.a UNION SELECT b.x FROM public.b":                                    "SELECT a.x FROM public.a UNION SELECT b.x FROM public.b",
		"SELECT t.a FROM public.t WHERE (EXISTS ( SELECT 1 FROM public.u WHERE (u.x = t.a)))":        "SELECT a FROM public.t WHERE (EXISTS ( SELECT 1 FROM public.u WHERE (u.x = t.a)))",
		"SELECT (- t.a) AS a, t.b FROM public.t ORDER BY t.a, t.b":                                   "SELECT (- a) AS a, b FROM public.t ORDER BY t.a, b",
		"SELECT EXTRACT(year FROM t.d) AS y FROM public.t GROUP BY (EXTRACT(year FROM t.d)) LIMIT 1": "SELECT EXTRACT(year FROM d) AS y FROM public.t GROUP BY (EXTRACT(year FROM d)) LIMIT 1",
		"SELECT public.f(public.t.a) AS f FROM public.t":                                             "SELECT public.f(public.t.a) AS f FROM public.t",
		"SELECT (t.a)::t.mood AS a, (t.b COLLATE t.c) AS b, (t.a OPERATOR(t.=) t.b) AS c FROM t.t":   "SELECT (a)::t.mood AS a, (b COLLATE t.c) AS b, (a OPERATOR(t.=) b) AS c FROM t.t",
		"SELECT t.a FROM ONLY public.t WHERE (t.a > 0) WITH CHECK":                                   "SELECT t.a FROM ONLY public.t WHERE (t.a > 0) WITH CHECK",
		"SELECT g.g FROM generate_series(1, 3) g(g)":                                                 "SELECT g.g FROM generate_series(1, 3) g(g)",
		"SELECT 1 AS one": "SELECT 1 AS one",
		"SELECT 'open":    "SELECT 'open",
		"SELECT public.f(1) AS f FROM public.public":    "SELECT public.f(1) AS f FROM public.public",
		"SELECT s.a FROM ( SELECT t.a FROM public.t) s": "SELECT s.a FROM ( SELECT t.a FROM public.t) s",
	} {
		if got := unqualified(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}
