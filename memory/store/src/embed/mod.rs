/*!
Texts as vectors, behind one trait, and the built-in model, which has no weights. The recall crate implements other
models.

A vector is only comparable with vectors of the same model and dimension. Both are part of the identity under which
vectors are stored ([`ModelId`]), and every result of a model is checked against it: a wrong dimension is an error
here, never a silent zero later.
*/

mod lexical;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

pub use lexical::LexicalEmbedder;

use millwright_model::ParsedTicket;

/// Bytes of a body that an embedder sees; the failure is described at the start.
const MAX_BODY_BYTES: usize = 4_000;
const MAX_TITLE_BYTES: usize = 500;

pub type Embedding<'a> = Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>, EmbedError>> + Send + 'a>>;

/// Turns texts into vectors of unit length.
pub trait Embedder: Send + Sync + fmt::Debug {
    fn model(&self) -> &ModelId;

    /// Returns one vector per text, in order. Implementations split into requests as their model requires.
    fn embed<'a>(&'a self, texts: &'a [EmbedText]) -> Embedding<'a>;

    /// The weight of the dense view, relative to the words (1): lower if the model knows little that words do not.
    fn weight(&self) -> f64 {
        1.0
    }

    /// The vector without waiting, if that costs less than a database write: such vectors are stored in the
    /// transaction that stores the incident.
    fn at_once(&self, _text: &EmbedText) -> Option<Vec<f32>> {
        None
    }
}

/// The identity by which vectors are comparable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelId {
    /// Names the weights and their version: `lexical/1`, `all-MiniLM-L6-v2`, `text-embedding-3-small`.
    pub name: String,
    pub dimension: usize,
}

impl ModelId {
    /// Normalises `vectors`, if each has the model's dimension and contains only finite numbers.
    ///
    /// # Errors
    /// When one does not, or there are more or fewer than `wanted`.
    pub fn check(&self, mut vectors: Vec<Vec<f32>>, wanted: usize) -> Result<Vec<Vec<f32>>, EmbedError> {
        if vectors.len() != wanted {
            return Err(EmbedError::Count { model: self.name.clone(), found: vectors.len(), wanted });
        }
        for vector in &mut vectors {
            if vector.len() != self.dimension {
                return Err(EmbedError::Dimension {
                    model: self.name.clone(),
                    found: vector.len(),
                    wanted: self.dimension,
                });
            }
            if vector.iter().any(|x| !x.is_finite()) {
                return Err(EmbedError::NotANumber { model: self.name.clone() });
            }
            normalise(vector);
        }
        Ok(vectors)
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} dimensions)", self.name, self.dimension)
    }
}

/// The text of an incident that is embedded: the same parts that the word index uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmbedText {
    pub title: String,
    pub body: String,
}

impl EmbedText {
    pub fn new(title: &str, body: &str) -> Self {
        Self { title: head(title, MAX_TITLE_BYTES).to_owned(), body: head(body, MAX_BODY_BYTES).to_owned() }
    }

    /// Title, symptom and error messages, then the rest of the text as far as there is room.
    pub fn of_ticket(ticket: &ParsedTicket) -> Self {
        let mut body = head(&ticket.symptom, MAX_BODY_BYTES).to_owned();
        for error in ticket.errors.iter().take(5) {
            body.push('\n');
            body.push_str(head(&error.message, 500));
        }
        body.push('\n');
        body.push_str(head(&ticket.text, MAX_BODY_BYTES.saturating_sub(body.len())));
        Self::new(&ticket.title, &body)
    }

    /// As one text, for models that read prose.
    pub fn joined(&self) -> String {
        match (self.title.trim(), self.body.trim()) {
            ("", body) => body.to_owned(),
            (title, "") => title.to_owned(),
            (title, body) => format!("{title}\n{body}"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error(
        "the embeddings model {model} gave vectors of {found} dimensions where {wanted} are expected; \
         set embeddings.dimension to {found} (everything is then embedded again), or name the right model"
    )]
    Dimension { model: String, found: usize, wanted: usize },
    #[error(
        "the embeddings model {model} answered {wanted} texts with {found} vectors; it is not compatible"
    )]
    Count { model: String, found: usize, wanted: usize },
    #[error(
        "the embeddings model {model} returned a vector with values that are not numbers; try another model"
    )]
    NotANumber { model: String },
    #[error("the embeddings model {model} cannot be loaded: {detail}")]
    Load { model: String, detail: String },
    #[error("the embeddings model {model} did not answer: {detail}; recall continues with words and code")]
    Unavailable { model: String, detail: String },
}

/// Scales to unit length, so that a dot product is the cosine; a zero vector stays zero.
pub fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
}

fn head(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_a_model_are_checked() {
        let model = ModelId { name: "m".into(), dimension: 2 };
        assert_eq!(model.check(vec![vec![3.0, 4.0]], 1).unwrap(), [[0.6, 0.8]]);
        assert_eq!(model.check(vec![vec![0.0, 0.0]], 1).unwrap(), [[0.0, 0.0]]);
        let wrong = model.check(vec![vec![1.0; 3]], 1).unwrap_err().to_string();
        assert!(wrong.contains("3 dimensions where 2") && wrong.contains("embeddings.dimension"), "{wrong}");
        assert!(matches!(model.check(vec![], 1), Err(EmbedError::Count { .. })));
        assert!(matches!(model.check(vec![vec![f32::NAN, 1.0]], 1), Err(EmbedError::NotANumber { .. })));
    }
}
