//! Comma-separated values by RFC 4180: quoted fields may hold commas, line breaks and doubled
//! quotes.

/// Splits `text` into records of fields. The number is that of the line a record begins on.
pub(super) fn records(text: &str) -> Records<'_> {
    Records { rest: text, line: 1 }
}

pub(super) struct Records<'t> {
    rest: &'t str,
    line: usize,
}

impl Iterator for Records<'_> {
    type Item = (usize, Vec<String>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let begins = self.line;
        let mut fields = vec![String::new()];
        let mut quoted = false;
        let mut chars = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            self.line += usize::from(c == '\n');
            let field = fields.last_mut()?;
            match c {
                '"' if quoted && chars.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                '\n' if !quoted => {
                    end = at + 1;
                    break;
                }
                '\r' if !quoted => {}
                _ => field.push(c),
            }
        }
        self.rest = self.rest.get(end..).unwrap_or("");
        Some((begins, fields))
    }
}

#[cfg(test)]
mod tests {
    use super::records;

    #[test]
    fn quoted_fields_hold_commas_quotes_and_line_breaks() {
        let read: Vec<_> = records("a,\"b, \"\"c\"\"\nd\",e\r\nf,,\n").collect();
        let fields = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert_eq!(read, [(1, fields(&["a", "b, \"c\"\nd", "e"])), (3, fields(&["f", "", ""]))]);
    }
}
