"""How ready a lead is, and what follows from it.

Fit says how well account and person suit us, in points and a grade from A to D; engagement says what the person did of
late, in points per group of touches that are capped and halve with time. Together they are the score. A lead that
reaches the threshold with a sufficient grade becomes an MQL in the transaction that brought it there.

`rules` reads a set of rules, `compiling` makes SQL of it, `applying` scores leads and hands over those that cross,
`parts` says what a score is made of, `replaying` what rules would have made of the past, `publishing` lets them count.
"""
