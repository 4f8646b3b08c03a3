//! Stories over REST and through the door, each naming the row of the reference that it plays.
