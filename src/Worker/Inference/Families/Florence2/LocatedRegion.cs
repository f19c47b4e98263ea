namespace VlWorker.Inference.Families.Florence2;

/// <summary>What a region's locations are.</summary>
internal enum RegionShape
{
    /// <summary>Left, top, right, bottom.</summary>
    Box,

    /// <summary>Four corners: x, y, x, y, ...</summary>
    Quadrilateral,

    /// <summary>Outlines of any number of corners each.</summary>
    Polygon,
}

/// <summary>A region as the model names it. Locations are bins of a thousandth of the image's width or height.</summary>
/// <param name="Label">What it is; empty where the task tells none.</param>
/// <param name="Shape">What the locations are.</param>
/// <param name="Outlines">One list of locations; of a polygon one for each of its parts.</param>
internal sealed record LocatedRegion(string Label, RegionShape Shape, IReadOnlyList<int[]> Outlines);
