// How wide heads are on their way through attention. Most models have one width for all; where keys
// and values come of one latent row, that row is what travels and is cached.

/// Elements of one head.
public struct HeadWidths: Sendable, Equatable {
    /// A query, as it is projected and exchanged.
    let query: Int
    /// What is exchanged of a key-value head.
    let keyValue: Int
    /// Which of these elements are the cache's key, and which its value; they may overlap.
    let keys, values: Range<Int>
    /// What the output projection takes of a query head.
    let attended: Int
}

extension ModelConfiguration {
    /// The widths of the model's heads.
    var headWidths: HeadWidths {
        if let latent {
            return HeadWidths(
                query: latent.queryDimension, keyValue: latent.cachedWidth,
                keys: 0..<latent.cachedWidth, values: 0..<latent.keyValueRank,
                attended: latent.valueDimension)
        }
        return HeadWidths(
            query: headDimension, keyValue: 2 * headDimension, keys: 0..<headDimension,
            values: headDimension..<2 * headDimension, attended: headDimension)
    }
}
