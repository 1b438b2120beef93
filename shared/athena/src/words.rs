//! The words of a statement, and where they stand.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::Fault;
use crate::statement::{Name, malformed, several, unexpected};

/// The words of a statement, without spaces and comments.
pub struct Words<'a> {
    text: &'a str,
    tokens: Vec<TokenWithSpan>,
    at: usize,
}

impl<'a> Words<'a> {
    /// The words of a text.
    ///
    /// # Errors
    /// When it is no SQL, none, or several statements.
    pub fn new(text: &'a str) -> Result<Self, Fault> {
        let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
        let mut tokens = tokens.map_err(|error| malformed(&error.to_string()))?;
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
        let mut text = text;
        while let Some(last) = tokens.pop_if(|token| token.token == Token::SemiColon) {
            text = text.get(..offset(text, last.span.start)).unwrap_or(text);
        }
        if tokens.is_empty() {
            return Err(Fault::malformed("line 1:1: mismatched input '<EOF>'"));
        }
        if tokens.iter().any(|token| token.token == Token::SemiColon) {
            return Err(several());
        }
        Ok(Self { text, tokens, at: 0 })
    }

    /// What stands next.
    pub fn next(&self) -> Option<&TokenWithSpan> {
        self.tokens.get(self.at)
    }

    fn word_at(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at).map(|token| &token.token) {
            Some(Token::Word(word)) => Some(&word.value),
            _ => None,
        }
    }

    /// Whether the first word is one of these.
    pub fn first_is(&self, words: &[&str]) -> bool {
        self.word_at(0).is_some_and(|first| words.iter().any(|word| word.eq_ignore_ascii_case(first)))
    }

    /// Steps over these words, if they are next.
    pub fn take(&mut self, words: &[&str]) -> bool {
        let mut next = self.at..;
        let there = words.iter().all(|word| {
            let at = next.next().unwrap_or(usize::MAX);
            self.word_at(at).is_some_and(|found| found.eq_ignore_ascii_case(word))
        });
        if there {
            self.at += words.len();
        }
        there
    }

    /// Steps over this word.
    ///
    /// # Errors
    /// When it is not next.
    pub fn expect(&mut self, word: &str) -> Result<(), Fault> {
        if self.take(&[word]) { Ok(()) } else { Err(self.mismatched()) }
    }

    /// The error of what stands next.
    pub fn mismatched(&self) -> Fault {
        match self.tokens.get(self.at) {
            Some(token) => unexpected(token),
            None => Fault::malformed("line 1:1: mismatched input '<EOF>'"),
        }
    }

    /// The next word, in quotes or not.
    ///
    /// # Errors
    /// When there is none.
    pub fn word(&mut self) -> Result<String, Fault> {
        let word = match self.tokens.get(self.at).map(|token| &token.token) {
            Some(Token::Word(word)) => word.value.clone(),
            Some(Token::SingleQuotedString(text)) => text.clone(),
            _ => return Err(self.mismatched()),
        };
        self.at += 1;
        Ok(word)
    }

    fn is_next(&self, token: &Token) -> bool {
        self.tokens.get(self.at).is_some_and(|next| next.token == *token)
    }

    /// A name of one to three parts; the catalogue is left out.
    ///
    /// # Errors
    /// When there is none.
    pub fn name(&mut self) -> Result<Name, Fault> {
        let mut parts = vec![self.word()?.to_lowercase()];
        while self.is_next(&Token::Period) {
            self.at += 1;
            parts.push(self.word()?.to_lowercase());
        }
        let name = parts.pop().unwrap_or_default();
        Ok(Name { database: parts.pop(), name })
    }

    /// The database after IN or FROM, if there is one.
    ///
    /// # Errors
    /// When no name follows.
    pub fn database(&mut self) -> Result<Option<String>, Fault> {
        if self.take(&["IN"]) || self.take(&["FROM"]) { self.name().map(|name| Some(name.name)) } else { Ok(None) }
    }

    /// The pattern at the end, after LIKE or alone.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn pattern(&mut self) -> Result<Option<String>, Fault> {
        let like = self.take(&["LIKE"]);
        if !like && self.at >= self.tokens.len() { Ok(None) } else { self.word().map(Some) }
    }

    /// The text from here to the end.
    pub fn rest(&mut self) -> &'a str {
        let from = self.tokens.get(self.at).map_or(self.text.len(), |token| offset(self.text, token.span.start));
        self.at = self.tokens.len();
        self.text.get(from..).unwrap_or_default()
    }

    /// The texts between the commas from here to the end.
    pub fn values(&mut self) -> Vec<String> {
        let (mut depth, mut values) = (0_i32, Vec::new());
        let mut from = self.tokens.get(self.at).map_or(self.text.len(), |token| offset(self.text, token.span.start));
        for token in self.tokens.get(self.at..).unwrap_or_default() {
            match token.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => depth -= 1,
                Token::Comma if depth == 0 => {
                    let to = offset(self.text, token.span.start);
                    values.push(self.text.get(from..to).unwrap_or_default().trim().to_owned());
                    from = to + 1;
                }
                _ => {}
            }
        }
        values.push(self.text.get(from..).unwrap_or_default().trim().to_owned());
        self.at = self.tokens.len();
        values
    }
}

/// Where a place stands in a text, in bytes.
fn offset(text: &str, place: Location) -> usize {
    let before = usize::try_from(place.line.saturating_sub(1)).unwrap_or_default();
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let column = usize::try_from(place.column.saturating_sub(1)).unwrap_or_default();
    let line = text.get(start..).unwrap_or_default();
    start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
}
