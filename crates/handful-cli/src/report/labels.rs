//! Labels of points and lines in a plot, where they cover nothing.
//!
//! The plot has a fixed height and any width. Labels are placed for the narrowest width. A label that is beside another
//! remains on the same side of it when the plot widens, because the points move apart and the texts do not grow.

use super::plot::{Room, width};

/// Pixels from the top of a label to its baseline, and from there to its bottom.
const ASCENT: f64 = 11.0;
const DESCENT: f64 = 3.0;
const CLEARANCE: f64 = 2.0;

/// Something to be labelled, at a share of the width and pixels from the top.
pub(super) enum Mark<'a> {
    Point {
        label: &'a str,
        x: f64,
        y: f64,
        radius: f64,
    },
    /// A horizontal line through the plot.
    Line {
        label: &'a str,
        y: f64,
    },
}

impl Mark<'_> {
    fn label(&self) -> &str {
        match self {
            Self::Point { label, .. } | Self::Line { label, .. } => label,
        }
    }
}

/// Where a label starts, ends or has its middle: at a share of the width and pixels from the top, and an offset in pixels.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) dx: f64,
    pub(super) dy: f64,
    pub(super) anchor: &'static str,
}

impl Place {
    /// Whether the label is so far from its point that a line should connect them.
    pub(super) fn is_far(&self) -> bool {
        self.dy.abs() > 20.0
    }
}

/// A rectangle: its left and right are pixels from a share of the width.
#[derive(Clone, Copy)]
struct Block {
    x: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Block {
    fn of_label(label: &str, place: &Place) -> Self {
        let Place { x, y, dx, dy, anchor } = *place;
        let width = width(label);
        let left = match anchor {
            "start" => dx,
            "middle" => dx - width / 2.0,
            _ => dx - width,
        };
        Self { x, left, right: left + width, top: y + dy - ASCENT, bottom: y + dy + DESCENT }
    }

    /// Whether two blocks are closer than the clearance in a plot of this width, or would be in a wider one.
    fn is_near(&self, other: &Self, width: f64) -> bool {
        let is_left =
            |a: &Self, b: &Self| a.x <= b.x && a.x * width + a.right + CLEARANCE <= b.x * width + b.left;
        let is_beside = is_left(self, other) || is_left(other, self);
        !is_beside && self.top < other.bottom && other.top < self.bottom
    }

    fn is_inside(&self, room: &Room) -> bool {
        let width = room.narrowest();
        self.x * width + self.left >= 0.0
            && self.x * width + self.right <= width + room.right
            && self.top >= 0.0
            && self.bottom <= room.height
    }
}

/// A place for each label, in order of importance: those that come first get the best places.
pub(super) fn place(marks: &[Mark], room: &Room) -> Vec<Place> {
    let dots: Vec<Block> = marks.iter().filter_map(dot).collect();
    let lines: Vec<f64> = marks.iter().filter_map(line).collect();
    let (mut labels, mut leaders) = (Vec::new(), Vec::new());
    let places = marks.iter().map(|mark| {
        let cost = |place: &Place| {
            let near = |block: &Block, others: &[Block]| {
                others.iter().filter(|other| block.is_near(other, room.narrowest())).count()
            };
            let (label, leader) = (Block::of_label(mark.label(), place), leader(mark, place));
            let covered = near(&label, &labels);
            let touched = near(&label, &dots) + near(&label, &leaders);
            let crossed = leader.map_or(0, |leader| near(&leader, &labels) + near(&leader, &dots));
            let on_lines = lines.iter().filter(|&&line| label.top < line && line < label.bottom).count();
            (!label.is_inside(room), covered, touched, crossed, on_lines)
        };
        let best = candidates(mark).into_iter().min_by_key(cost).expect("candidates");
        labels.push(Block::of_label(mark.label(), &best));
        leaders.extend(leader(mark, &best));
        best
    });
    places.collect()
}

fn dot(mark: &Mark) -> Option<Block> {
    match *mark {
        Mark::Point { x, y, radius, .. } => {
            Some(Block { x, left: -radius, right: radius, top: y - radius, bottom: y + radius })
        }
        Mark::Line { .. } => None,
    }
}

fn line(mark: &Mark) -> Option<f64> {
    match *mark {
        Mark::Line { y, .. } => Some(y),
        Mark::Point { .. } => None,
    }
}

/// The room of the line between a point and a label that is far from it.
fn leader(mark: &Mark, place: &Place) -> Option<Block> {
    match *mark {
        Mark::Point { x, y, radius, .. } if place.is_far() => {
            let (top, bottom) =
                if place.dy < 0.0 { (place.dy + DESCENT, -radius) } else { (radius, place.dy - ASCENT) };
            let (left, right) = (place.dx.min(0.0), place.dx.max(0.0));
            Some(Block { x, left, right, top: y + top, bottom: y + bottom })
        }
        _ => None,
    }
}

/// Places for a label, the best first.
fn candidates(mark: &Mark) -> Vec<Place> {
    match *mark {
        Mark::Point { x, y, radius, .. } => {
            let place = |dx, dy, anchor| Place { x, y, dx, dy, anchor };
            let beside = |dy: f64| {
                let gap = radius + 4.0;
                [place(gap, dy, "start"), place(-gap, dy, "end")]
            };
            let (above, below) = (-radius - 4.0, radius + ASCENT + 2.0);
            beside(4.0)
                .into_iter()
                .chain([place(0.0, above, "middle"), place(0.0, below, "middle")])
                .chain([-4.0, 12.0, -10.0, 18.0].into_iter().flat_map(beside))
                .chain((0..8).flat_map(|level| {
                    let reach = 14.0 * f64::from(level);
                    [-22.0 - reach, 30.0 + reach].into_iter().flat_map(|dy| {
                        [(0.0, "middle"), (radius, "start"), (-radius, "end")]
                            .map(|(dx, anchor)| place(dx, dy, anchor))
                    })
                }))
                .collect()
        }
        Mark::Line { y, .. } => {
            let middles = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2].map(|x| (x, "middle"));
            [(1.0, "end"), (0.0, "start")]
                .into_iter()
                .chain(middles)
                .flat_map(|(x, anchor)| [-4.0, ASCENT + 3.0].map(|dy| Place { x, y, dx: 0.0, dy, anchor }))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { left: 44.0, right: 24.0, height: 340.0 };

    /// The pairs of labels that overlap in a plot of this width.
    fn overlaps(marks: &[Mark], places: &[Place], width: f64) -> usize {
        let blocks: Vec<[f64; 4]> = marks
            .iter()
            .zip(places)
            .map(|(mark, place)| {
                let Block { x, left, right, top, bottom } = Block::of_label(mark.label(), place);
                [x * width + left, x * width + right, top, bottom]
            })
            .collect();
        let overlap = |a: &[f64; 4], b: &[f64; 4]| a[0] < b[1] && b[0] < a[1] && a[2] < b[3] && b[2] < a[3];
        (0..blocks.len()).map(|i| blocks[..i].iter().filter(|other| overlap(&blocks[i], other)).count()).sum()
    }

    #[test]
    fn labels_that_do_not_overlap_in_a_narrow_plot_do_not_in_a_wide_one() {
        // Points in a spiral, so that many are close to each other.
        let points: Vec<(f64, f64)> = (0..16)
            .map(|i| {
                let (turn, reach) = (f64::from(i) * 0.9, f64::from(i) / 40.0);
                (0.5 + reach * turn.cos(), 170.0 + 300.0 * reach * turn.sin())
            })
            .collect();
        let mut marks: Vec<Mark> =
            points.iter().map(|&(x, y)| Mark::Point { label: "neighbors", x, y, radius: 5.0 }).collect();
        marks.push(Mark::Line { label: "Keysers 2007", y: 270.0 });
        let places = place(&marks, &ROOM);
        for width in [ROOM.narrowest(), 275.0, 400.0, 900.0] {
            assert_eq!(overlaps(&marks, &places, width), 0, "{width}");
        }
    }

    #[test]
    fn labels_of_points_at_the_same_place_do_not_overlap() {
        let marks = ["tiny", "small", "fast", "neighbors", "everyday"].map(|label| Mark::Point {
            label,
            x: 0.4,
            y: ROOM.height,
            radius: 5.0,
        });
        assert_eq!(overlaps(&marks, &place(&marks, &ROOM), ROOM.narrowest()), 0);
    }

    #[test]
    fn a_label_at_the_right_edge_goes_to_the_left() {
        let marks = [0.0, 1.0].map(|x| Mark::Point { label: "everyday", x, y: 100.0, radius: 5.0 });
        assert_eq!(
            place(&marks, &ROOM).iter().map(|place| place.anchor).collect::<Vec<_>>(),
            ["start", "end"]
        );
    }
}
