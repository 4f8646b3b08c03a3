//! The grammar. OR binds more tightly than terms side by side; written AND and OR do not mix without parentheses.

use super::term::{Operator, Term};
use super::words::Needle;
use super::{Filter, Node};
use crate::error::{FormatError, Result, syntax};
use crate::key::{self, Key};
use crate::lex::{Ends, Lexer, OPERATORS};
use crate::projection::Projection;
use crate::transform::{self, Links, Scope};

const LOGICAL: [&str; 3] = ["AND", "NOT", "OR"];
/// Deeper nesting is a mistake, and would cost stack.
const DEEPEST: usize = 50;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
}

struct Parser<'a> {
    lexer: Lexer,
    projection: &'a Projection,
    scope: &'a Scope<'a>,
    /// What joins terms in each open parenthesis.
    joints: Vec<Option<Joint>>,
    terms: usize,
}

pub(super) fn parse(expression: &str, projection: &Projection, scope: &Scope) -> Result<Filter> {
    let scope = &Scope { projection: Some(projection), ..scope.clone() };
    let mut parser = Parser { lexer: Lexer::new(expression), projection, scope, joints: vec![None], terms: 0 };
    let root = parser.expression()?;
    if !parser.lexer.at_end() {
        return Err(syntax(format!(
            "Unexpected tokens [{}] in expression.",
            parser.lexer.annotate(parser.lexer.position)
        )));
    }
    Ok(Filter { root: root.unwrap_or(Node::True), terms: parser.terms })
}

fn joined(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Option<Node> {
    if nodes.len() > 1 { Some(join(nodes)) } else { nodes.pop() }
}

impl Parser<'_> {
    /// Terms side by side; nothing where none stands.
    fn expression(&mut self) -> Result<Option<Node>> {
        let mut nodes = Vec::new();
        loop {
            match self.alternatives()? {
                Some(node) => nodes.push(node),
                None if nodes.is_empty() => return Ok(None),
                None => return Err(self.lexer.error_here("Term expected")),
            }
            let ends = self.lexer.peek_word("AND") || self.lexer.peek_word("OR");
            if ends || self.lexer.peek(")").is_some() || self.lexer.at_end() {
                return Ok(joined(nodes, Node::All));
            }
        }
    }

    fn alternatives(&mut self) -> Result<Option<Node>> {
        self.joined_by("OR", Joint::Or, Node::Any, Self::conjunction)
    }

    fn conjunction(&mut self) -> Result<Option<Node>> {
        self.joined_by("AND", Joint::And, Node::All, Self::negation)
    }

    fn joined_by(
        &mut self,
        word: &str,
        joint: Joint,
        join: fn(Vec<Node>) -> Node,
        below: fn(&mut Self) -> Result<Option<Node>>,
    ) -> Result<Option<Node>> {
        let mut nodes = Vec::new();
        loop {
            match below(self)? {
                Some(node) => nodes.push(node),
                None if nodes.is_empty() => return Ok(None),
                None => return Err(self.lexer.error_here("Term expected")),
            }
            if !self.lexer.take_word(word) {
                return Ok(joined(nodes, join));
            }
            self.joins(joint)?;
        }
    }

    fn joins(&mut self, joint: Joint) -> Result<()> {
        match self.joints.last_mut() {
            Some(Some(known)) if *known != joint => {
                Err(self.lexer.error_here("Parenthesis grouping is required when AND and OR are are combined"))
            }
            Some(known) => {
                *known = Some(joint);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn negation(&mut self) -> Result<Option<Node>> {
        if !self.lexer.take_word("NOT") {
            return self.term();
        }
        let here = self.lexer.position;
        match self.term()? {
            Some(node) => Ok(Some(Node::Not(Box::new(node)))),
            None => Err(self.lexer.error("Term expected", here)),
        }
    }

    fn term(&mut self) -> Result<Option<Node>> {
        if !self.lexer.skip_space() || self.lexer.peek(")").is_some() {
            return Ok(None);
        }
        if self.lexer.take("(").is_some() {
            if self.joints.len() > DEEPEST {
                return Err(FormatError::TooDeep);
            }
            self.joints.push(None);
            let inner = self.expression()?;
            self.lexer.take_more(")")?;
            self.joints.pop();
            return Ok(inner);
        }
        let inverted = self.lexer.take("-").is_some();
        let node = self.plain_term()?;
        Ok(Some(if inverted { Node::Not(Box::new(node)) } else { node }))
    }

    fn key(&mut self) -> Result<(Key, Option<Links>)> {
        let here = self.lexer.position;
        let (mut key, _) = self.lexer.key_with(|name| self.projection.alias(name))?;
        if LOGICAL.iter().any(|word| key.first() == Some(&key::Step::Name((*word).to_owned()))) {
            return Err(self.lexer.error("Term expected", here));
        }
        if self.lexer.take("(").is_none() {
            return Ok((key, None));
        }
        let name = transform::take_name(&mut key);
        let chain = transform::parse(&mut self.lexer, &name, 0)?;
        Ok((key, Some(chain.link(self.scope)?)))
    }

    fn plain_term(&mut self) -> Result<Node> {
        let start = self.lexer.position;
        // What is no key may still be a word to look for.
        let (key, word) = match self.key() {
            Ok(key) => (Ok(key), None),
            Err(FormatError::TooDeep) => return Err(FormatError::TooDeep),
            Err(error) => {
                self.lexer.position = start;
                let word = self.lexer.token(Ends { at: OPERATORS, balanced: false, keep_space: true })?;
                (Err(error), word.map(|word| word.text).filter(|word| !word.is_empty()))
            }
        };
        let here = self.lexer.position;
        let Some(operator) = self.operator()? else {
            return match (key, word) {
                (Ok((key, Some(links))), _) if key.is_empty() => Ok(Node::Call(links)),
                (Ok((_, Some(_))), _) => Err(self.lexer.error("Operator expected", here)),
                (Ok((key, None)), _) => Ok(Node::Anywhere(Needle::new(&key::bare_name(&key)))),
                (Err(_), Some(word)) if word == "AND" || word == "OR" => Err(self.lexer.error_here("Term expected")),
                (Err(FormatError::Syntax(_)), Some(word)) => Ok(Node::Anywhere(Needle::new(&word))),
                (Err(error), _) => Err(error),
            };
        };
        let (key, links) = key?;
        self.lexer.expect_more("Operand")?;
        let here = self.lexer.position;
        if LOGICAL.iter().any(|word| self.lexer.take_word(word)) {
            return Err(self.lexer.error("Logical operator not expected", here));
        }
        let takes_list = matches!(operator, Operator::Equal | Operator::Has);
        let operands: Vec<String> = if takes_list && self.lexer.take("(").is_some() {
            let operands = self.lexer.arguments(" \t\n,")?.into_iter().map(|operand| operand.text);
            operands.filter(|operand| !LOGICAL.contains(&operand.as_str())).collect()
        } else {
            match self.lexer.token(Ends { at: "()", balanced: false, keep_space: false })? {
                Some(operand) => vec![operand.text],
                None => return Err(self.lexer.error("Term operand expected", here)),
            }
        };
        self.terms += 1;
        Ok(Node::Term(Box::new(Term::new(self.terms - 1, key, operator, operands, links, self.scope.now.clone())?)))
    }

    fn operator(&mut self) -> Result<Option<Operator>> {
        if !self.lexer.skip_space() {
            return Ok(None);
        }
        let here = self.lexer.position;
        let Some(first) = self.lexer.take(":=!<>~") else { return Ok(None) };
        let operator = match (first, self.lexer.take(":=!<>~")) {
            (':', None) => Operator::Has,
            ('=', None) => Operator::Equal,
            ('!', Some('=')) => Operator::NotEqual,
            ('<', None) => Operator::Less,
            ('<', Some('=')) => Operator::LessEqual,
            ('>', None) => Operator::Greater,
            ('>', Some('=')) => Operator::GreaterEqual,
            ('~', None) => Operator::Match,
            ('!', Some('~')) => Operator::NotMatch,
            _ => return Err(self.lexer.error("Malformed operator", here)),
        };
        self.lexer.expect_more("Term operand")?;
        Ok(Some(operator))
    }
}
