"""What lineage answers, written for people and machines: sentences, JSON, pictures and other tools' formats."""
