//! Draws a sequence: SVG within the page, in the colour of its text. Each step has its number; what asks is solid, what
//! answers is broken, so that nothing hangs on colour, and the whole is told in words for those who listen.

use super::markup::escape;
use super::sequence::{Actor, Kind, Sequence, Step};
use crate::text::Lang;
use std::fmt::Write as _;

/// From one party to the next.
const COLUMN: i32 = 200;
const MARGIN: i32 = 110;
/// Height of a party's box.
const HEAD: i32 = 36;
const LINE: i32 = 16;
/// Width of a letter, generously.
const LETTER: i32 = 8;
/// Widest box of a step within one party.
const BOX: i32 = 190;

/// The picture.
pub fn draw(sequence: &Sequence, lang: Lang) -> String {
    let drawing = Drawing { sequence, lang };
    let (steps, bottom) = drawing.steps();
    let last = i32::try_from(sequence.actors.len()).unwrap_or(1) - 1;
    let (width, height) = (2 * MARGIN + COLUMN * last, bottom + HEAD + 12);
    let id = format!("sequence-{}", sequence.id);
    format!(
        "<div class=\"picture\" tabindex=\"0\">\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" font-size=\"13\" font-family=\"system-ui, sans-serif\" fill=\"currentColor\" \
         stroke=\"none\" style=\"max-width: {width}px\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n{}{steps}</svg>\n</div>\n",
        escape(sequence.title.of(lang)),
        escape(&drawing.told()),
        drawing.parties(bottom),
    )
}

struct Drawing<'s> {
    sequence: &'s Sequence,
    lang: Lang,
}

impl Drawing<'_> {
    /// All steps in words.
    fn told(&self) -> String {
        let told = |(number, step): (usize, &Step)| {
            let (from, to) = (step.from.name(self.lang), step.to.name(self.lang));
            let who = if step.kind == Kind::Within { from.to_owned() } else { format!("{from} → {to}") };
            format!("{}. {who}: {}.", number + 1, step.words.of(self.lang))
        };
        self.sequence.steps.iter().enumerate().map(told).collect::<Vec<_>>().join(" ")
    }

    /// Where the line of a party is.
    fn x(&self, actor: Actor) -> i32 {
        let at = self.sequence.actors.iter().position(|other| *other == actor).unwrap_or(0);
        MARGIN + COLUMN * i32::try_from(at).unwrap_or(0)
    }

    fn parties(&self, bottom: i32) -> String {
        let mut out = String::new();
        for actor in self.sequence.actors {
            let x = self.x(*actor);
            let _ = writeln!(
                out,
                "<path d=\"M{x} {HEAD}V{bottom}\" stroke=\"currentColor\" stroke-width=\"1\" stroke-dasharray=\"2 5\" />"
            );
            for top in [2, bottom] {
                let _ = writeln!(
                    out,
                    "<rect x=\"{}\" y=\"{top}\" width=\"{BOX}\" height=\"{HEAD}\" rx=\"4\" fill=\"none\" stroke=\"currentColor\" />\
                     <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" font-weight=\"bold\">{}</text>",
                    x - BOX / 2,
                    top + 23,
                    escape(actor.name(self.lang)),
                );
            }
        }
        out
    }

    /// The steps, and where the last of them ends.
    fn steps(&self) -> (String, i32) {
        let (mut out, mut y) = (String::new(), HEAD + 14);
        for (number, step) in self.sequence.steps.iter().enumerate() {
            let (from, to) = (self.x(step.from), self.x(step.to));
            let words = format!("{}. {}", number + 1, step.words.of(self.lang));
            let within = step.kind == Kind::Within;
            let room = if within { BOX - 12 } else { (from - to).abs() - 14 };
            let lines = wrapped(&words, room / LETTER);
            let height = LINE * i32::try_from(lines.len()).unwrap_or(1);
            if within {
                let _ = writeln!(
                    out,
                    "<rect x=\"{}\" y=\"{y}\" width=\"{BOX}\" height=\"{}\" style=\"fill: var(--back)\" stroke=\"currentColor\" />",
                    from - BOX / 2,
                    height + 8,
                );
            }
            for (at, line) in (1..).zip(&lines) {
                let _ = writeln!(
                    out,
                    "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" style=\"paint-order: stroke; stroke: var(--back); stroke-width: 5px\">{}</text>",
                    i32::midpoint(from, to),
                    y + LINE * at - 2,
                    escape(line),
                );
            }
            y += height + 8;
            if !within {
                out.push_str(&arrow(step.kind, from, to, y));
                y += 6;
            }
            y += 12;
        }
        (out, y)
    }
}

fn arrow(kind: Kind, from: i32, to: i32, y: i32) -> String {
    let dashes = if kind == Kind::Reply { " stroke-dasharray=\"7 4\"" } else { "" };
    let back = if to > from { -9 } else { 9 };
    format!(
        "<path d=\"M{from} {y}H{to}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\"{dashes} />\
         <path d=\"M{to} {y}l{back} -5v10z\" />\n"
    )
}

/// Lines of at most so many letters, unless a word alone is longer.
fn wrapped(text: &str, letters: i32) -> Vec<String> {
    let most = usize::try_from(letters).unwrap_or(1);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::{LANGS, sequence};

    #[test]
    fn a_picture_tells_each_step_by_number_and_in_words() {
        for lang in LANGS {
            for id in ["1", "2", "3", "4", "5", "owner", "revocation"] {
                let sequence = sequence::find(id).unwrap();
                let picture = draw(sequence, lang);
                let told = picture.split("<desc").nth(1).unwrap().split("</desc>").next().unwrap();
                for (number, step) in sequence.steps.iter().enumerate() {
                    assert!(picture.contains(&format!(">{}. ", number + 1)), "{id}: {number}");
                    assert!(told.contains(&escape(step.words.of(lang))), "{id}: {number}");
                    assert!(
                        sequence.actors.contains(&step.from) && sequence.actors.contains(&step.to),
                        "{id}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_answer_differs_from_a_question_by_its_line() {
        assert!(arrow(Kind::Reply, 0, 10, 5).contains("dasharray"));
        assert!(!arrow(Kind::Ask, 0, 10, 5).contains("dasharray"));
    }

    #[test]
    fn words_are_broken_between_them_alone() {
        assert_eq!(wrapped("1. KDP_SERVICE и ещё", 9), ["1.", "KDP_SERVICE", "и ещё"]);
    }
}
