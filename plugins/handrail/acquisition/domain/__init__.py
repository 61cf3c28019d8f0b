"""Tables, pages of rows and what was acquired; frozen values and rules that know no tool."""
