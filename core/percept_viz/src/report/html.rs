//! Escaping, tiles and strips.

use super::{Picture, Tile, Tone};

/// A text that HTML takes as text, within elements and quoted attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The CSS class of a tone.
pub(super) fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "bad",
    }
}

pub(super) fn tiles(tiles: &[Tile]) -> String {
    let tile = |tile: &Tile| {
        format!(
            "<div class=\"tile {}\"><span>{}</span><strong>{}</strong><small>{}</small></div>\n",
            tone_class(tile.tone),
            escape(&tile.label),
            escape(&tile.value),
            escape(&tile.note)
        )
    };
    format!("<div class=\"tiles\">\n{}</div>\n", tiles.iter().map(tile).collect::<String>())
}

pub(super) fn strip(pictures: &[Picture]) -> String {
    let figure = |picture: &Picture| {
        // A leading "./" keeps a path with a colon from being taken for a scheme such as javascript:.
        let href = escape(&format!("./{}", picture.href.trim_start_matches("./")));
        let caption = escape(&picture.caption);
        format!(
            "<figure><a href=\"{href}\"><img src=\"{href}\" alt=\"{caption}\" loading=\"lazy\"></a>\
             <figcaption>{caption}</figcaption></figure>\n"
        )
    };
    format!("<div class=\"strip\">\n{}</div>\n", pictures.iter().map(figure).collect::<String>())
}
