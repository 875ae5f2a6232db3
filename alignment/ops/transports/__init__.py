"""The ways out of Accord: one module each, all with the methods of `base.Sender`."""
