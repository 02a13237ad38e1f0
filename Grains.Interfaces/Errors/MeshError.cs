namespace Mesh.Grains.Interfaces.Errors;

/// <summary>Why the mesh refused. Numbers are wire format: append only.</summary>
public enum MeshError
{
    /// <summary>The request itself is wrong; do not retry.</summary>
    InvalidRequest = 1,

    /// <summary>Not yet, or not now: a store or an authority is not there. Retry.</summary>
    NotReady = 2,

    /// <summary>The token is forged, expired, used, or of another trust domain.</summary>
    TokenRejected = 3,

    /// <summary>The caller is known and may not do this.</summary>
    NotPermitted = 4,

    /// <summary>Renewal with a key that is not the one last issued to the instance.</summary>
    SupersededKey = 5,

    /// <summary>The silo is behind the caller's trust epoch. Retry at another.</summary>
    Stale = 6,

    /// <summary>The identity is banned or its key revoked.</summary>
    Revoked = 7,

    /// <summary>What was asked for does not exist.</summary>
    NotFound = 8,

    /// <summary>A limit of the mesh is reached; the message names it.</summary>
    LimitReached = 9,

    /// <summary>Not in this state; the message says what must come first.</summary>
    Conflict = 10,
}
